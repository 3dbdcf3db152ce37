/** Parts of MLflow's API that are not served here, by the word of the path that begins them. */
const UNSERVED: Readonly<Record<string, string>> = {
  assessments: "assessments of traces",
  datasets: "evaluation datasets",
  gateway: "AI gateway",
  genai: "evaluation of generative AI",
  issues: "issues of traces",
  jobs: "jobs of the server",
  "label-schemas": "label schemas",
  labeling: "labeling sessions",
  permissions: "permissions",
  "prompt-optimization": "optimization of prompts",
  "review-queues": "review queues",
  roles: "roles",
  scorers: "scorers",
  traces: "traces",
  users: "users",
  webhooks: "webhooks",
  workspaces: "workspaces",
};

/** What is answered where there is no endpoint: which it is, and what of MLflow would be behind it. */
export function noEndpoint(method: string, url: string): string {
  const [path = ""] = url.split("?");
  if (path === "/")
    return `There are no web pages here, to which MLflow's clients point as they go ("View run at"): ask such a client for the run, or the REST API under /api/2.0/mlflow.`;
  const endpoint = `There is no endpoint ${method} ${path}`;
  const words = path.split("/");
  const begin = words.findIndex((word) => word === "mlflow" || word === "v1");
  const part = words.slice(begin + 1).find((word) => Object.hasOwn(UNSERVED, word));
  if (begin < 0 || part === undefined) return `${endpoint}.`;
  return `${endpoint}: dagwright's tracking server does not serve MLflow's ${UNSERVED[part]}, MLflow's own server does.`;
}
