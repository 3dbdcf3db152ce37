#!/bin/sh
# Creates the namespace and the search attributes by which runs are found; run again, it changes nothing.
set -eu

until temporal operator cluster health; do sleep 1; done

temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$TEMPORAL_RETENTION"

# A namespace is known to all parts of the server a few seconds after it was made.
until known=$(temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE"); do sleep 1; done

for pair in DagId:Keyword LogicalDate:Datetime RunState:Keyword RunTrigger:Keyword DagVersion:Keyword; do
  name=${pair%%:*}
  case "$known" in
    *"$name"*) ;;
    *) temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name "$name" --type "${pair##*:}" ;;
  esac
done
