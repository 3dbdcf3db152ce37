"""What an MLflow user does, with MLflow's own client, unchanged. Argument: the server's address.

Prints one line for each part that held; ends with 1 and a traceback at the first that did not. With scikit-learn
installed models are logged, registered and loaded too.
"""

import math
import os
import sys
import tempfile
import uuid

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException

mlflow.set_tracking_uri(sys.argv[1])
client = MlflowClient()
tag = uuid.uuid4().hex[:8]


def refused(code, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except MlflowException as error:
        assert error.error_code == code, (error.error_code, error.message)
        return error.message
    raise AssertionError(f"not refused: {call.__name__}{args}{kwargs}")


def part(name):
    print(f"ok: {name}", flush=True)


# Experiments
experiment = mlflow.set_experiment(f"session-{tag}")
exp_id = experiment.experiment_id
assert mlflow.set_experiment(f"session-{tag}").experiment_id == exp_id
other = client.create_experiment(f"other-{tag}", tags={"team": "ml", "x": "y"})
assert client.get_experiment(other).tags == {"team": "ml", "x": "y"}
client.set_experiment_tag(other, "team", "ds")
client.delete_experiment_tag(other, "x")
client.rename_experiment(other, f"renamed-{tag}")
assert client.get_experiment_by_name(f"renamed-{tag}").tags == {"team": "ds"}
assert client.get_experiment_by_name("nobody's") is None
refused("RESOURCE_ALREADY_EXISTS", client.create_experiment, f"renamed-{tag}")
refused("RESOURCE_DOES_NOT_EXIST", client.get_experiment, "987654321")
client.delete_experiment(other)
refused("INVALID_PARAMETER_VALUE", client.create_run, other)
names = lambda **search: [e.name for e in client.search_experiments(**search) if tag in e.name]
assert names(view_type=ViewType.DELETED_ONLY) == [f"renamed-{tag}"]
client.restore_experiment(other)
assert names(filter_string=f"name LIKE '%-{tag}'", order_by=["name ASC"]) == [f"renamed-{tag}", f"session-{tag}"]
assert names(filter_string="tags.team = 'ds'") == [f"renamed-{tag}"]
assert names(filter_string=f"name ILIKE 'SESSION-{tag}' AND tags.team IS NULL") == [f"session-{tag}"]
assert len(client.search_experiments(max_results=1)) == 1 and client.search_experiments(max_results=1).token
part("experiments")

# Runs by the fluent interface
with mlflow.start_run(run_name="first", tags={"kind": "A"}, description="said") as first:
    mlflow.log_params({"lr": 0.1, "depth": 5, "long": "x" * 7000, "a/b c": "it's"})
    mlflow.log_param("lr", 0.1)
    for step, value in enumerate([0.5, 0.7, 0.6]):
        mlflow.log_metric("acc", value, step=step)
    mlflow.log_metrics({"nan": math.nan, "inf": math.inf, "low": -math.inf}, step=1)
    mlflow.set_tags({"one": "1", "two": "2"})
    mlflow.delete_tag("two")
    refused("INVALID_PARAMETER_VALUE", mlflow.log_param, "lr", 0.2)
    with mlflow.start_run(run_name="child", nested=True) as child:
        mlflow.log_metric("acc", 0.9)
run = client.get_run(first.info.run_id)
assert run.info.status == "FINISHED" and run.info.run_name == "first" and run.info.end_time >= run.info.start_time
assert run.info.artifact_uri.startswith(experiment.artifact_location)
assert run.data.params["lr"] == "0.1" and len(run.data.params["long"]) == 6000 and run.data.params["a/b c"] == "it's"
assert run.data.metrics["acc"] == 0.6 and math.isnan(run.data.metrics["nan"])
assert run.data.metrics["inf"] > 1e308 and run.data.metrics["low"] < -1e308
assert run.data.tags["one"] == "1" and "two" not in run.data.tags and run.data.tags["mlflow.note.content"] == "said"
assert client.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == first.info.run_id
history = client.get_metric_history(first.info.run_id, "acc")
assert [(m.step, m.value) for m in history] == [(0, 0.5), (1, 0.7), (2, 0.6)]
try:
    with mlflow.start_run(run_name="broken") as broken:
        raise ValueError("on purpose")
except ValueError:
    assert client.get_run(broken.info.run_id).info.status == "FAILED"
part("fluent runs")

# Runs by the client
made = client.create_run(exp_id, run_name="second", tags={"kind": "B"}, start_time=1_700_000_000_000)
second = made.info.run_id
assert made.info.start_time == 1_700_000_000_000 and made.info.status == "RUNNING"
client.log_batch(
    second,
    metrics=[Metric("loss", 1 / (step + 1), 1_700_000_000_000 + step, step) for step in range(900)],
    params=[Param(f"p{i}", str(i)) for i in range(50)],
    tags=[RunTag(f"t{i}", str(i)) for i in range(50)],
)
assert len(client.get_metric_history(second, "loss")) == 900
assert client.get_run(second).data.metrics["loss"] == 1 / 900
client.log_metric(second, "loss", 0.5, timestamp=1, step=3)
assert client.get_run(second).data.metrics["loss"] == 1 / 900
client.update_run(second, name="renamed")
assert client.get_run(second).info.run_name == client.get_run(second).data.tags["mlflow.runName"] == "renamed"
client.set_terminated(second, "KILLED")
assert client.get_run(second).info.status == "KILLED"
clash = [Param("p1", "other"), Param("fresh", "1")]
refused("INVALID_PARAMETER_VALUE", client.log_batch, second, metrics=[Metric("late", 1.0, 1, 1)], params=clash)
assert not {"late", "fresh"} & ({*client.get_run(second).data.metrics} | {*client.get_run(second).data.params})
refused("RESOURCE_DOES_NOT_EXIST", client.delete_tag, second, "nobody's")
refused("RESOURCE_DOES_NOT_EXIST", client.get_run, "0" * 32)
assert client.get_metric_history("0" * 32, "loss") == []
odd = client.create_run(exp_id, run_name="odd", tags={"a*b": "1", "ключ": "знач", "quote'\"": "x\n"}).info.run_id
assert {"a*b": "1", "ключ": "знач", "quote'\"": "x\n"}.items() <= client.get_run(odd).data.tags.items()
refused("INVALID_PARAMETER_VALUE", client.set_tag, odd, "a*b", "1")
client.delete_run(odd)
client.delete_run(second)
refused("INVALID_PARAMETER_VALUE", client.log_metric, second, "loss", 1.0)
assert [r.info.run_id for r in client.search_runs([exp_id], run_view_type=ViewType.DELETED_ONLY)] == [odd, second]
client.restore_run(second)
part("client runs")

# Filter strings
found = lambda text, **more: [r.info.run_name for r in client.search_runs([exp_id], text, **more)]
by_name = dict(order_by=["attributes.run_name ASC"])
for text, expected in {
    "": ["broken", "child", "first", "renamed"],
    "metrics.acc > 0.6": ["child"],
    "metrics.acc >= 0.6 and metrics.acc < 1e0": ["child", "first"],
    "metrics.nan != 3": ["first"],
    "metrics.nan <= 0": [],
    "metric.inf > 1e307": ["first"],
    "metrics.loss < -0.5": [],
    "params.lr = '0.1'": ["first"],
    'parameters."a/b c" = "it\'s"': ["first"],
    "params.`a/b c` LIKE 'it%'": ["first"],
    "params.lr != '0.1'": [],
    "params.lr IS NULL": ["broken", "child", "renamed"],
    "params.lr IS NOT NULL": ["first"],
    "tags.kind = 'A'": ["first"],
    "tags.'kind' = 'A'": ["first"],
    "tags.kind LIKE 'a'": [],
    "tag.kind ILIKE 'a'": ["first"],
    "tags.`mlflow.runName` = 'child'": ["child"],
    "attributes.status = 'FAILED'": ["broken"],
    "status != 'FAILED' AND run_name LIKE '%r%'": ["first", "renamed"],
    "run.run_name ILIKE 'FIR%'": ["first"],
    f"run_id IN ('{second}', '{first.info.run_id}')": ["first", "renamed"],
    f"attributes.run_id NOT IN ('{second}')": ["broken", "child", "first"],
    "start_time < 1700000000001": ["renamed"],
    "attr.end_time > 0": ["broken", "child", "first", "renamed"],
    "user_id = 'nobody'": [],
}.items():
    assert found(text, **by_name) == expected, (text, found(text, **by_name))
for text in [
    "bogus", "bogus >", "metrics.acc > '1'", "params.lr > 1", "params.lr = 0.1", "params.lr = word", "foo.bar = 'x'",
    "attributes.nope = 'x'", "metrics.acc > 0.5 OR metrics.acc < 0.1", "status IN ('FINISHED')", "run_id IN ()",
    "dataset.nope = 'x'", "metrics.acc IS NULL", "  ", "metrics.acc ~ 1", "params.lr = 'a", "a = 1; b = 2",
]:
    refused("INVALID_PARAMETER_VALUE", client.search_runs, [exp_id], text)
assert found("", order_by=["metrics.acc DESC"])[:2] == ["child", "first"]
assert found("", order_by=["params.depth ASC", "start_time ASC"])[:2] == ["first", "renamed"]
assert found("", order_by=["tags.kind DESC"])[:2] == ["renamed", "first"]
refused("INVALID_PARAMETER_VALUE", client.search_runs, [exp_id], "", order_by=["nope sideways"])
pages, token = [], None
while True:
    page = client.search_runs([exp_id], max_results=3, page_token=token, **by_name)
    pages.append([r.info.run_name for r in page])
    token = page.token
    if not token:
        break
assert pages == [["broken", "child", "first"], ["renamed"]], pages
refused("INVALID_PARAMETER_VALUE", client.search_runs, [exp_id], page_token="bm9uZQ==")
assert client.search_experiments(filter_string="creation_time > 0 AND name = 'Default'")[0].experiment_id == "0"
part("filter strings")

# Datasets
from mlflow.entities import Dataset, DatasetInput, InputTag

data = Dataset("purchases", "3", "delta_table", '{"delta_table_name": "purchases"}', schema="{}", profile="{}")
client.log_inputs(second, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])
client.log_inputs(second, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])
(logged,) = client.get_run(second).inputs.dataset_inputs
assert (logged.dataset.name, logged.dataset.digest, logged.tags[0].value) == ("purchases", "3", "training")
before = Dataset("zero", "1", "delta_table", "{}")
third = client.create_run(exp_id, run_name="third").info.run_id
client.log_inputs(third, [DatasetInput(data, []), DatasetInput(before, [])])
client.log_inputs(third, [DatasetInput(Dataset("another", "1", "delta_table", "{}"), [])])
read = [one.dataset.name for one in client.get_run(third).inputs.dataset_inputs]
assert read == ["purchases", "zero", "another"], read
client.delete_run(third)
for text in ["dataset.name = 'purchases'", "datasets.digest IN ('3', '4')", "dataset.context LIKE 'train%'"]:
    assert found(text) == ["renamed"], text
part("datasets")

# Artifacts
rid = first.info.run_id
with tempfile.TemporaryDirectory() as folder:
    os.makedirs(os.path.join(folder, "sub", "deep"))
    big = os.urandom(3_000_000)
    for path, content in {"ä ö.txt": b"u", "sub/deep/big.bin": big, "empty": b""}.items():
        with open(os.path.join(folder, path), "wb") as file:
            file.write(content)
    client.log_artifacts(rid, folder, "dir")
client.log_text(rid, "hello", "notes/a.txt")
client.log_dict(rid, {"a": [1, 2]}, "conf.json")
assert [(f.path, f.is_dir) for f in client.list_artifacts(rid)] == [("conf.json", False), ("dir", True), ("notes", True)]
assert [(f.path, f.file_size) for f in client.list_artifacts(rid, "notes")] == [("notes/a.txt", 5)]
assert [f.path for f in client.list_artifacts(rid, "dir")] == ["dir/empty", "dir/sub", "dir/ä ö.txt"]
with tempfile.TemporaryDirectory() as folder:
    there = client.download_artifacts(rid, "dir", folder)
    assert open(os.path.join(there, "sub", "deep", "big.bin"), "rb").read() == big
    assert open(os.path.join(there, "ä ö.txt")).read() == "u"
assert mlflow.artifacts.load_dict(f"runs:/{rid}/conf.json") == {"a": [1, 2]}
assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/notes/a.txt") == "hello"
assert client.list_artifacts(rid, "nothing") == []
part("artifacts")

# Logged models, as the client makes them
first_model = client.create_logged_model(exp_id, "one", source_run_id=rid, params={"k": "1"}).model_id
client.log_model_params(first_model, {"depth": "3"})
assert client.get_logged_model(first_model).params == {"k": "1", "depth": "3"}
second_model = client.create_logged_model(exp_id, "two", source_run_id=rid).model_id
for made in (second_model, first_model):
    client.log_outputs(rid, [mlflow.entities.LoggedModelOutput(made, 0)])
assert {one.model_id for one in client.get_run(rid).outputs.model_outputs} == {first_model, second_model}
refused("INVALID_PARAMETER_VALUE", client.search_logged_models, [])
part("logged models")

# Registry
model = f"Model-{tag}"
client.create_registered_model(model, tags={"owner": "me"}, description="what it does")
refused("RESOURCE_ALREADY_EXISTS", client.create_registered_model, model)
refused("INVALID_PARAMETER_VALUE", client.create_registered_model, "a/b")
for n in range(1, 4):
    version = client.create_model_version(model, f"runs:/{rid}/model", rid, tags={"n": str(n)}, description=f"v{n}")
    assert (version.version, version.current_stage, version.run_id, version.status) == (str(n), "None", rid, "READY")
refused("RESOURCE_DOES_NOT_EXIST", client.create_model_version, "nobody", f"runs:/{rid}/model", rid)
refused("INVALID_PARAMETER_VALUE", client.create_model_version, model, "/etc/passwd", rid)
refused("INVALID_PARAMETER_VALUE", client.create_model_version, model, "http://elsewhere/x", rid)
refused("INVALID_PARAMETER_VALUE", client.create_experiment, f"elsewhere-{tag}", "https://elsewhere/x")
refused("RESOURCE_DOES_NOT_EXIST", client.get_model_version, model, "-1")
refused("INVALID_PARAMETER_VALUE", client.create_model_version, model, f"{run.info.artifact_uri}/../../x", rid)
stages = lambda: {v.version: v.current_stage for v in client.search_model_versions(f"name = '{model}'")}
client.transition_model_version_stage(model, "1", "Production")
client.transition_model_version_stage(model, "2", "production", archive_existing_versions=True)
assert stages() == {"1": "Archived", "2": "Production", "3": "None"}, stages()
client.transition_model_version_stage(model, "3", "Production")
assert stages() == {"1": "Archived", "2": "Production", "3": "Production"}
assert [v.version for v in client.get_latest_versions(model, ["Production"])] == ["3"]
refused("INVALID_PARAMETER_VALUE", client.transition_model_version_stage, model, "1", "Nowhere")
client.set_registered_model_alias(model, "champion", "1")
client.set_registered_model_alias(model, "champion", "2")
assert client.get_model_version_by_alias(model, "champion").version == "2"
assert client.get_model_version(model, "2").aliases == ["champion"]
assert client.get_registered_model(model).aliases == {"champion": "2"}
refused("INVALID_PARAMETER_VALUE", client.set_registered_model_alias, model, "latest", "1")
refused("INVALID_PARAMETER_VALUE", client.get_model_version_by_alias, model, "nobody")
client.delete_registered_model_alias(model, "champion")
client.set_registered_model_tag(model, "t", "1")
client.delete_registered_model_tag(model, "owner")
assert client.get_registered_model(model).tags == {"t": "1"}
client.set_model_version_tag(model, "1", "vt", "2")
client.delete_model_version_tag(model, "1", "n")
assert client.get_model_version(model, "1").tags == {"vt": "2"}
client.update_registered_model(model, "new words")
client.update_model_version(model, "1", "one")
assert client.get_registered_model(model).description == "new words"
assert client.get_model_version(model, "1").description == "one"
assert client.get_model_version_download_uri(model, "1") == f"runs:/{rid}/model"
versions = lambda text, **more: [v.version for v in client.search_model_versions(text, **more)]
ascending = dict(order_by=["version_number ASC"])
assert versions(f"name = '{model}' AND tags.n = '2'") == ["2"]
assert versions(f"name = '{model}' AND version_number > 1", **ascending) == ["2", "3"]
assert versions(f"run_id IN ('{rid}') AND name LIKE 'Model-%'", **ascending) == ["1", "2", "3"]
assert versions("source_path = 'nowhere'") == []
models = lambda text: [m.name for m in client.search_registered_models(text)]
assert models(f"name = '{model}'") == models(f"name ILIKE 'MODEL-{tag}' AND tags.t = '1'") == [model]
refused("INVALID_PARAMETER_VALUE", client.search_registered_models, "nope = 'x'")
client.rename_registered_model(model, f"{model}-b")
refused("RESOURCE_DOES_NOT_EXIST", client.get_registered_model, model)
model = f"{model}-b"
assert client.get_model_version(model, "3").tags == {"n": "3"}
client.delete_model_version(model, "3")
refused("RESOURCE_DOES_NOT_EXIST", client.get_model_version, model, "3")
assert client.create_model_version(model, f"runs:/{rid}/model", rid).version == "4"
copied = client.copy_model_version(f"models:/{model}/1", f"Copy-{tag}")
assert (copied.version, copied.run_id) == ("1", rid)
client.delete_registered_model(model)
assert models(f"name = '{model}'") == []
part("registry")

try:
    from sklearn.linear_model import LogisticRegression
except ImportError:
    sys.exit(0)

# Models of scikit-learn
import pandas

frame = pandas.DataFrame({"a": [0.0, 1.0, 2.0, 3.0]})
fitted = LogisticRegression().fit(frame, [0, 0, 1, 1])
with mlflow.start_run(run_name="sklearn") as trained:
    mlflow.log_input(mlflow.data.from_pandas(frame, name="frame"), context="training")
    info = mlflow.sklearn.log_model(fitted, name="model", registered_model_name=f"Sk-{tag}", input_example=frame[:1])
    mlflow.log_metric("acc", 1.0, model_id=info.model_id)
    mlflow.log_table({"q": [1, 2]}, "table.json")
    mlflow.log_table({"q": [3]}, "table.json")
assert list(mlflow.load_table("table.json", run_ids=[trained.info.run_id])["q"]) == [1, 2, 3]
client.set_registered_model_alias(f"Sk-{tag}", "best", "1")
for uri in [info.model_uri, f"models:/Sk-{tag}/1", f"models:/Sk-{tag}@best", f"runs:/{trained.info.run_id}/model"]:
    assert list(mlflow.pyfunc.load_model(uri).predict(frame)) == [0, 0, 1, 1], uri
logged = mlflow.get_logged_model(info.model_id)
assert logged.status == "READY" and logged.source_run_id == trained.info.run_id
assert [m.key for m in logged.metrics] == ["acc"]
search = lambda text: [m.model_id for m in mlflow.search_logged_models([exp_id], text, output_format="list")]
assert search("name = 'model'") == search("metrics.acc > 0.5 AND name LIKE 'mod%'") == [info.model_id]
assert search("metrics.acc > 1.5") == []
assert client.get_run(trained.info.run_id).outputs.model_outputs[0].model_id == info.model_id
again = mlflow.register_model(f"runs:/{trained.info.run_id}/model", f"Sk-{tag}")
assert again.version == "2" and mlflow.search_runs([exp_id]).shape[0] == 5
mlflow.set_logged_model_tags(info.model_id, {"good": "yes"}) if hasattr(mlflow, "set_logged_model_tags") else None
prompt = mlflow.genai.register_prompt(name=f"prompt-{tag}", template="Say {{word}}")
assert mlflow.genai.load_prompt(f"prompts:/prompt-{tag}/1").format(word="yes") == "Say yes"
assert f"prompt-{tag}" not in [m.name for m in client.search_registered_models()]
part("models")
