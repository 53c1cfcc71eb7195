/** What is told beyond log and metrics: traces, to a collector that takes OTLP over HTTP. Null where nobody wants them. */
import { z } from 'zod'
import { MAX_TRACE_HEADERS } from '../people-limits.ts'
import { section, wanted } from '../session/values.ts'
import type { Environment } from './environment.ts'
import { isLoopback, secret, webUrl } from './places.ts'
import { resolveSecret, type SecretRef } from './secrets.ts'

/** Any character else could end the header and begin another. */
const headerName = z.string().regex(/^[A-Za-z0-9-]{1,64}$/, { error: 'write the name of a header' })
const ratio = z
  .number({ error: wanted('write a number from 0 to 1') })
  .min(0, { error: '0 to 1' })
  .max(1, { error: '0 to 1' })

export function telemetrySchema(folder: string) {
  const headers = z
    .record(headerName, secret(folder), { error: wanted('write names and values of headers') })
    .refine((names) => Object.keys(names).length <= MAX_TRACE_HEADERS, { error: `at most ${MAX_TRACE_HEADERS} headers` })
  const traces = section({ endpoint: webUrl, headers: headers.default({}), sampleRatio: ratio.default(1) }).refine(
    (written) => !URL.canParse(written.endpoint) || Object.keys(written.headers).length === 0 || !isReadOnTheWay(new URL(written.endpoint)),
    { path: ['headers'], error: 'would cross the network in the clear: write https:// in endpoint' },
  )
  return section({ traces: traces.nullable().default(null) })
}

function isReadOnTheWay({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && !isLoopback({ host: hostname.replace(/^\[|\]$/g, ''), port: 0 })
}

export type TelemetryConfig = z.output<ReturnType<typeof telemetrySchema>>
export type TracesConfig = NonNullable<TelemetryConfig['traces']>

/** By the path that an operator wrote each at. */
export function secretsOfTelemetry({ traces }: TelemetryConfig): [path: string, ref: SecretRef][] {
  return Object.entries(traces?.headers ?? {}).map(([name, ref]) => [`telemetry.traces.headers.${name}`, ref])
}

/** With what its headers say. @throws SecretError */
export async function openHeaders(
  { headers, ...traces }: TracesConfig,
  env: Environment,
): Promise<Omit<TracesConfig, 'headers'> & { readonly headers: Readonly<Record<string, string>> }> {
  const said = await Promise.all(Object.entries(headers).map(async ([name, ref]) => [name, await resolveSecret(ref, env)] as const))
  return { ...traces, headers: Object.fromEntries(said) }
}
