/** A collector of traces: takes OTLP as JSON over HTTP and keeps the spans. */
import { createServer } from 'node:http'
import { z } from 'zod'
import { listen } from '../testnet/doors.ts'

const valueSchema = z.object({
  stringValue: z.string().optional(),
  intValue: z.union([z.number(), z.string()]).optional(),
  doubleValue: z.number().optional(),
})
const attributesSchema = z
  .array(z.object({ key: z.string(), value: valueSchema }))
  .default([])
  .transform((list) => Object.fromEntries(list.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? value.doubleValue])))
const spanSchema = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  kind: z.int(),
  startTimeUnixNano: z.string().transform(BigInt),
  endTimeUnixNano: z.string().transform(BigInt),
  attributes: attributesSchema,
  status: z.object({ code: z.int().optional(), message: z.string().optional() }).default({}),
})
const bodySchema = z.object({
  resourceSpans: z.array(
    z.object({ resource: z.object({ attributes: attributesSchema }), scopeSpans: z.array(z.object({ spans: z.array(spanSchema) })) }),
  ),
})

export type CollectedSpan = z.output<typeof spanSchema>

export interface Collector extends AsyncDisposable {
  readonly endpoint: string
  readonly spans: CollectedSpan[]
  /** Of each export, in order. */
  readonly headers: Record<string, unknown>[]
  readonly services: unknown[]
  /** Every body as it came. */
  readonly bodies: string[]
}

/** @param status of its answers */
export async function startCollector(status = 200): Promise<Collector> {
  const collected = {
    spans: [] as CollectedSpan[],
    headers: [] as Record<string, unknown>[],
    services: [] as unknown[],
    bodies: [] as string[],
  }
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    collected.bodies.push(text)
    collected.headers.push({ ...request.headers, path: request.url })
    for (const { resource, scopeSpans } of bodySchema.parse(JSON.parse(text)).resourceSpans) {
      collected.services.push(resource.attributes['service.name'])
      collected.spans.push(...scopeSpans.flatMap(({ spans }) => spans))
    }
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
  })
  const endpoint = `http://127.0.0.1:${await listen(server)}/v1/traces`
  return {
    ...{ endpoint, ...collected },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}
