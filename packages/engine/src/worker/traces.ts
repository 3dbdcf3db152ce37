import { createHash } from "node:crypto";
import {
  type Attributes,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ConsoleSpanExporter,
  type IdGenerator,
  RandomIdGenerator,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanExporter,
} from "@opentelemetry/sdk-trace-base";
import type { TaskError } from "../core/state.ts";
import type { Redactor } from "../execution/redactor.ts";
import type { AttemptEnd, Observer } from "./observer.ts";

/** How long a worker that stops waits for its last spans to leave, in milliseconds. */
const LAST_SPANS_MS = 3_000;

/**
 * One trace for each run, over all workers that take part: `dagwright.run` → `dagwright.task` → `dagwright.mcp.call`.
 * The ids of the trace and of the run's span are made of the run's id and its first execution, so that nobody has to
 * pass them on; the run's span is sent when the run has ended.
 */
export function openTraces(kind: "otlp" | "console", redactor: Redactor): Observer {
  const ids = new ChosenIds();
  const exporter = new RedactingExporter(
    kind === "otlp" ? new OTLPTraceExporter() : new ConsoleSpanExporter(),
    redactor,
  );
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ "service.name": "dagwright" }))
      .merge(detectResources({ detectors: [envDetector] })),
    idGenerator: ids,
    spanProcessors: [kind === "otlp" ? new BatchSpanProcessor(exporter) : new SimpleSpanProcessor(exporter)],
  });
  // Spans that a task makes by OpenTelemetry's own API come under the task's. Where there is another SDK, it stays.
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const tracer = provider.getTracer("dagwright");
  return {
    attempt: ({ dagId, nodeId, taskId, attempt, run, executionId, scheduledAt }) => {
      const within = trace.setSpanContext(ROOT_CONTEXT, {
        ...runIds(run.id, executionId),
        traceFlags: TraceFlags.SAMPLED,
        isRemote: true,
      });
      const attributes = {
        ...runAttributes(dagId, run.id, run.logicalDate),
        "dagwright.node.id": nodeId,
        "dagwright.task.id": taskId,
        "dagwright.attempt": attempt,
        "dagwright.queue_ms": Math.max(0, Date.now() - scheduledAt),
      };
      const span = tracer.startSpan("dagwright.task", { attributes }, within);
      const own = trace.setSpan(within, span);
      return {
        within: (work) => context.with(own, work),
        call: (server, tool) => {
          // Under what the task itself has opened, if anything.
          const parent = trace.getSpan(context.active()) === undefined ? own : context.active();
          const names = { "dagwright.task.id": taskId, "dagwright.mcp.server": server, "dagwright.mcp.tool": tool };
          const call = tracer.startSpan(
            "dagwright.mcp.call",
            {
              attributes: { ...runAttributes(dagId, run.id, run.logicalDate), ...names, "dagwright.attempt": attempt },
            },
            parent,
          );
          return { traceparent: traceparentOf(call), ended: (error) => close(call, error) };
        },
        ended: ({ state, error }: AttemptEnd) => {
          // A span that has no end is not sent: a look for something would come every few seconds.
          if (state === "not_yet") return;
          span.setAttribute("dagwright.state", state);
          close(span, error);
        },
      };
    },
    runEnded: (view, executionId) => {
      const { dagId, dagVersion, runId, logicalDate, trigger, state, error, startedAt, endedAt } = view;
      const attributes = {
        ...runAttributes(dagId, runId, logicalDate),
        "dagwright.dag.version": dagVersion,
        "dagwright.trigger": trigger,
        "dagwright.state": state,
      };
      const startTime = startedAt === undefined ? undefined : new Date(startedAt);
      const span = ids.choose(runIds(runId, executionId), () =>
        tracer.startSpan("dagwright.run", {
          root: true,
          attributes,
          ...(startTime === undefined ? {} : { startTime }),
        }),
      );
      close(span, error, endedAt === undefined ? undefined : new Date(endedAt));
    },
    close: async () => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, LAST_SPANS_MS);
      });
      await Promise.race([provider.shutdown(), late]).catch(() => undefined);
      clearTimeout(timer);
    },
  };
}

function close(span: Span, error: TaskError | undefined, at?: Date): void {
  if (error !== undefined) {
    span.setAttribute("error.type", error.code);
    span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
  }
  span.end(at);
}

function runAttributes(dagId: string, runId: string, logicalDate: string): Attributes {
  return { "dagwright.dag.id": dagId, "dagwright.run.id": runId, "dagwright.logical_date": logicalDate };
}

/** The ids of a run's trace and of its span, in hexadecimal: the same wherever they are worked out. */
export function runIds(runId: string, executionId: string): { readonly traceId: string; readonly spanId: string } {
  const hash = createHash("sha256")
    .update(JSON.stringify([runId, executionId]))
    .digest("hex");
  return { traceId: hash.slice(0, 32), spanId: hash.slice(32, 48) };
}

function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}

/** Random ids, but for the span for which they were chosen. */
class ChosenIds implements IdGenerator {
  private readonly random = new RandomIdGenerator();
  private chosen: { readonly traceId: string; readonly spanId: string } | null = null;

  /** @param make Starts one span, at once. */
  choose(ids: { readonly traceId: string; readonly spanId: string }, make: () => Span): Span {
    this.chosen = ids;
    try {
      return make();
    } finally {
      this.chosen = null;
    }
  }

  readonly generateTraceId = () => this.chosen?.traceId ?? this.random.generateTraceId();
  readonly generateSpanId = () => this.chosen?.spanId ?? this.random.generateSpanId();
}

/** Takes secrets out of spans, those that tasks have made themselves too. */
class RedactingExporter implements SpanExporter {
  constructor(
    private readonly exporter: SpanExporter,
    private readonly redactor: Redactor,
  ) {}

  export(spans: ReadableSpan[], done: Parameters<SpanExporter["export"]>[1]): void {
    this.exporter.export(
      spans.map((span) => this.redacted(span)),
      done,
    );
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }

  private redacted(span: ReadableSpan): ReadableSpan {
    const { text } = this.redactor;
    const { message } = span.status;
    // All else is read from the span itself.
    return Object.create(span, {
      name: { value: text(span.name) },
      attributes: { value: this.attributes(span.attributes) },
      status: { value: message === undefined ? span.status : { ...span.status, message: text(message) } },
      events: {
        value: span.events.map(({ attributes, ...event }) => ({
          ...event,
          name: text(event.name),
          ...(attributes === undefined ? {} : { attributes: this.attributes(attributes) }),
        })),
      },
    });
  }

  private attributes(attributes: Attributes): Attributes {
    const told = Object.entries(attributes).map(([key, value]): [string, Attributes[string]] => {
      if (typeof value === "string") return [key, this.redactor.text(value)];
      if (!Array.isArray(value)) return [key, value];
      return [key, value.map((one) => (typeof one === "string" ? this.redactor.text(one) : one)) as Attributes[string]];
    });
    return Object.fromEntries(told);
  }
}
