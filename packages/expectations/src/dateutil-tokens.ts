const isLetter = (character: string) => /^\p{L}$/u.test(character);
const isDigit = (character: string) => /^\p{Nd}$/u.test(character);

/** Splits a text as dateutil's lexer does: words, numbers (with dots where they are decimals) and single marks. */
export function tokensOf(text: string): string[] {
  const characters = [...text].filter((character) => character !== "\0");
  const tokens: string[] = [];
  let at = 0;
  while (at < characters.length) {
    const first = characters[at] ?? "";
    at += 1;
    if (/^\s$/.test(first)) {
      tokens.push(" ");
      continue;
    }
    if (!isLetter(first) && !isDigit(first)) {
      tokens.push(first);
      continue;
    }
    let token = first;
    let dotted = false;
    let inWord = isLetter(first);
    let seenLetters = inWord && at < characters.length;
    for (; at < characters.length; at += 1) {
      const next = characters[at] ?? "";
      const ends = token.endsWith(".");
      if (next === "." || (inWord ? isLetter(next) : isDigit(next))) {
        dotted ||= next === ".";
      } else if (!inWord && !dotted && next === "," && token.length >= 2) {
        dotted = true;
      } else if (dotted && ends && inWord && isDigit(next)) {
        inWord = false;
      } else if (dotted && ends && !inWord && isLetter(next)) {
        inWord = true;
        seenLetters = true;
      } else {
        break;
      }
      token += next;
    }
    if (dotted && (seenLetters || token.split(".").length > 2 || /[.,]$/.test(token))) {
      tokens.push(...token.split(/([.,])/).filter((part, index) => index === 0 || part !== ""));
    } else {
      tokens.push(dotted && !token.includes(".") ? token.replaceAll(",", ".") : token);
    }
  }
  return tokens;
}
