/**
 * A URL whose path can be decoded: bytes that are no UTF-8 stand for U+FFFD, as MLflow's server reads them. Its client
 * sends a file's name such as `50%cents` as it is, in which `%ce` looks like a byte.
 */
export function readableUrl(url: string): string {
  const end = url.search(/[?#]/);
  const path = end < 0 ? url : url.slice(0, end);
  try {
    decodeURIComponent(path);
    return url;
  } catch {
    return readablePath(path) + url.slice(path.length);
  }
}

function readablePath(path: string): string {
  return path
    .replaceAll(/(?:%[0-9a-f]{2})+/gi, (bytes) =>
      encodeURIComponent(Buffer.from(bytes.replaceAll("%", ""), "hex").toString("utf8")),
    )
    .replaceAll(/%(?![0-9a-f]{2})/gi, "%25");
}
