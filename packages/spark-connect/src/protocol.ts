import protobuf from "protobufjs";
import { z } from "zod";

/**
 * The messages this client sends and reads, with the field numbers of Spark 4.1.1's `spark/connect/*.proto`.
 * A reader skips fields it does not know. A relation that the server hands back is opaque, so it is kept as bytes,
 * which have the same form on the wire as a message.
 */
const SCHEMA = `
syntax = "proto3";
message UserContext { string user_id = 1; }
message DataType { message NullType {} NullType null = 1; }
message Literal {
  oneof literal_type {
    DataType null = 1; bytes binary = 2; bool boolean = 3; int32 integer = 6; int64 long = 7;
    double double = 11; string string = 13; int64 timestamp = 17;
  }
}
message Expression { Literal literal = 1; }
message Sql { string query = 1; map<string, Expression> named_arguments = 4; }
message DataSource { optional string format = 1; optional string schema = 2; map<string, string> options = 3; repeated string paths = 4; }
message Read { DataSource data_source = 2; }
message Relation { oneof rel_type { Read read = 2; Sql sql = 10; } }
message SqlCommand { Relation input = 6; }
message WriteOperation {
  Relation input = 1; optional string source = 2; string path = 3; int32 mode = 5;
  repeated string partitioning_columns = 7; map<string, string> options = 9;
}
message CreateView { Relation input = 1; string name = 2; bool is_global = 3; bool replace = 4; }
message Command { oneof command_type { WriteOperation write_operation = 2; CreateView create_dataframe_view = 3; SqlCommand sql_command = 5; } }
message Plan { oneof op_type { bytes root = 1; Command command = 2; } }
message ReattachOptions { bool reattachable = 1; }
message RequestOption { ReattachOptions reattach_options = 1; }
message ExecutePlanRequest {
  string session_id = 1; UserContext user_context = 2; Plan plan = 3; string client_type = 4;
  repeated RequestOption request_options = 5; string operation_id = 6;
}
message ReattachExecuteRequest {
  string session_id = 1; UserContext user_context = 2; string operation_id = 3; string client_type = 4;
  optional string last_response_id = 5;
}
message Nothing {}
message ReleaseUntil { string response_id = 1; }
message ReleaseExecuteRequest {
  string session_id = 1; UserContext user_context = 2; string operation_id = 3; string client_type = 4;
  oneof release { Nothing release_all = 5; ReleaseUntil release_until = 6; }
}
message InterruptRequest {
  string session_id = 1; UserContext user_context = 2; string client_type = 3; int32 interrupt_type = 4;
  string operation_id = 6;
}
message KeyValue { string key = 1; optional string value = 2; }
message ConfigSet { repeated KeyValue pairs = 1; }
message ConfigOperation { ConfigSet set = 1; }
message ConfigRequest { string session_id = 1; UserContext user_context = 2; ConfigOperation operation = 3; string client_type = 4; }
message ReleaseSessionRequest { string session_id = 1; UserContext user_context = 2; string client_type = 3; }
message ArrowBatch { int64 row_count = 1; bytes data = 2; }
message SqlCommandResult { bytes relation = 1; }
message ExecutePlanResponse {
  string session_id = 1; string operation_id = 12; string response_id = 13;
  oneof response_type { ArrowBatch arrow_batch = 2; SqlCommandResult sql_command_result = 5; Nothing result_complete = 14; }
}
message Any { string type_url = 1; bytes value = 2; }
message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
`;

const { root } = protobuf.parse(SCHEMA);

/** The calls of the service `spark.connect.SparkConnectService`, each with its request message. */
export type RequestName =
  | "ExecutePlanRequest"
  | "ReattachExecuteRequest"
  | "ReleaseExecuteRequest"
  | "InterruptRequest"
  | "ConfigRequest"
  | "ReleaseSessionRequest";

/** A request as bytes. */
export function encode(name: RequestName, value: Readonly<Record<string, unknown>>): Buffer {
  const type = root.lookupType(name);
  return Buffer.from(type.encode(type.fromObject(value)).finish());
}

function decode<T>(name: string, bytes: Uint8Array, shape: z.ZodType<T>): T {
  const type = root.lookupType(name);
  return shape.parse(type.toObject(type.decode(bytes), { longs: String }));
}

const Bytes = z.instanceof(Uint8Array);
const Response = z.object({
  responseId: z.string().optional(),
  arrowBatch: z.object({ data: Bytes }).optional(),
  sqlCommandResult: z.object({ relation: Bytes.optional() }).optional(),
  resultComplete: z.object({}).optional(),
});

/** One message of a running operation. */
export type ExecuteResponse = z.infer<typeof Response>;

/** Reads one message of a running operation. */
export function decodeResponse(bytes: Uint8Array): ExecuteResponse {
  return decode("ExecutePlanResponse", bytes, Response);
}

const Status = z.object({ details: z.array(z.object({ typeUrl: z.string(), value: Bytes.optional() })).optional() });
const ErrorInfo = z.object({ reason: z.string().optional(), metadata: z.record(z.string(), z.string()).optional() });

/** The `google.rpc.ErrorInfo` inside the trailer `grpc-status-details-bin`, where there is one. */
export function decodeErrorInfo(trailer: Uint8Array): z.infer<typeof ErrorInfo> | undefined {
  const details = decode("Status", trailer, Status).details ?? [];
  const info = details.find(({ typeUrl }) => typeUrl.endsWith("/google.rpc.ErrorInfo"));
  return info?.value === undefined ? undefined : decode("ErrorInfo", info.value, ErrorInfo);
}
