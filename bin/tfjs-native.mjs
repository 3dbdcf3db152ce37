// `npm run tfjs:native`: the native backend of TensorFlow.js, without the download of its own install script.
// Node's own modules only, as everything in this folder.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ensureInstalled, root } from "./install.mjs";

const TFJS = "4.22.0";
const HEADERS = "1.9.0";
/** The newest wheel whose C API the binding of tfjs-node 4.22.0 compiles against. */
const TENSORFLOW = "2.15.1";
const LIBRARIES = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"];
/** Of the wheel; the rest of its 900 MB is Python. */
const PARTS = [
  ...LIBRARIES.map((name) => `tensorflow/${name}`),
  ...["tensorflow/c/", "tsl/", "tensorflow/core/platform/", "tensorflow/tsl/", "xla/c/"].map(
    (folder) => `tensorflow/include/${folder}`,
  ),
];

if (process.platform !== "linux" || process.arch !== "x64") {
  console.error(
    `This makes the backend for linux on x64; this is ${process.platform} on ${process.arch}: npm install --no-save @tensorflow/tfjs-node@${TFJS} downloads it where its maker's host can be reached. Networks train on WebAssembly until then.`,
  );
  process.exit(1);
}
ensureInstalled();

say(`Installing @tensorflow/tfjs-node ${TFJS} without its install script …`);
const packages = [`@tensorflow/tfjs-node@${TFJS}`, `node-api-headers@${HEADERS}`];
run("npm", ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", ...packages]);
const { resolve } = createRequire(join(root, "package.json"));
const folder = dirname(resolve("@tensorflow/tfjs-node/package.json"));
const binding = join(folder, "lib", "napi-v8", "tfjs_binding.node");

if (existsSync(binding)) say("The binding is there already.");
else build();

const check = 'const tf = require("@tensorflow/tfjs-node"); console.log(tf.getBackend(), tf.version["tfjs-node"])';
run(process.execPath, ["-e", check], { env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: "2" } });
say("Done: neural networks train on it from now on, until the dependencies are installed anew.");

function build() {
  const work = join(root, ".dagwright", "tfjs-native");
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  say(`Fetching TensorFlow's libraries (the wheel tensorflow-cpu ${TENSORFLOW}, 200 MB) …`);
  const wheel = ["--no-deps", "--quiet", "--only-binary=:all:", "--python-version=3.11", "--dest", work];
  run("python3", ["-m", "pip", "download", ...wheel, `tensorflow-cpu==${TENSORFLOW}`]);
  const [file = ""] = readdirSync(work).filter((name) => name.endsWith(".whl"));
  const unpack =
    "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); z.extractall(sys.argv[2], [n for n in z.namelist() if n.startswith(tuple(sys.argv[3:]))])";
  run("python3", ["-c", unpack, join(work, file), work, ...PARTS]);
  rmSync(join(work, file));
  const lib = join(folder, "deps", "lib");
  rmSync(lib, { recursive: true, force: true });
  mkdirSync(lib, { recursive: true });
  for (const name of LIBRARIES) {
    run("mv", [join(work, "tensorflow", name), join(lib, name)]);
    symlinkSync(name, join(lib, name.replace(/_cc|\.2$/g, "")));
  }
  say("Compiling the binding …");
  mkdirSync(dirname(binding), { recursive: true });
  const headers = dirname(resolve("node-api-headers/package.json"));
  run("g++", [
    ...["-O2", "-std=c++17", "-shared", "-fPIC", "-DNAPI_VERSION=8"],
    ...[`-I${join(headers, "include")}`, `-I${folder}`, `-I${join(work, "tensorflow", "include")}`],
    ...["tfjs_backend.cc", "tfjs_binding.cc"].map((name) => join(folder, "binding", name)),
    ...[`-L${lib}`, "-ltensorflow", "-ltensorflow_framework", "-Wl,-rpath,$ORIGIN/../../deps/lib"],
    ...["-o", binding],
  ]);
  rmSync(work, { recursive: true, force: true });
}

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2], ...options });
  if (status === 0) return;
  console.error(
    `${command} ${error ? `cannot be started (${error.message})` : `ended with ${status}`}; this needs npm, python3 with pip, and g++. Nothing else is changed: networks train on WebAssembly.`,
  );
  process.exit(1);
}

function say(line) {
  console.error(line);
}
