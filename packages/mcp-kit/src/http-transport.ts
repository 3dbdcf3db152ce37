import { type JSONRPCMessage, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

type SendOptions = NonNullable<Parameters<StreamableHTTPClientTransport["send"]>[1]>;

/**
 * A server that dies while it streams an answer leaves the SDK's client (2.4.0) waiting until the request times out,
 * and ours do not time out. So the end of a request's stream is handed in as an error answer to that request; when the
 * real answer came before, the client no longer knows the request's id and drops it.
 */
export class AnsweringHttpTransport extends StreamableHTTPClientTransport {
  override async send(message: JSONRPCMessage | JSONRPCMessage[], options: SendOptions = {}): Promise<void> {
    if (Array.isArray(message) || !("id" in message) || !("method" in message)) return super.send(message, options);
    const { id } = message;
    return super.send(message, {
      ...options,
      onRequestStreamEnd: () => {
        options.onRequestStreamEnd?.();
        const data = {
          code: "CONNECTION_CLOSED",
          message: "The server closed the connection before it answered.",
          retryable: true,
        };
        this.onmessage?.({ jsonrpc: "2.0", id, error: { code: -32_000, message: data.message, data } });
      },
    });
  }
}
