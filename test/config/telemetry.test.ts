import { describe, expect, it } from 'vitest'
import { openHeaders, secretsOfTelemetry, telemetrySchema } from '../../src/config/telemetry.ts'

const read = (traces: unknown) => telemetrySchema('/etc/purser').safeParse({ traces })
const messages = (traces: unknown) => read(traces).error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`) ?? []

const endpoint = 'https://otel.example/v1/traces'

describe('telemetry', () => {
  it('sends no traces unless it is told where', () => {
    expect(telemetrySchema('/').parse({})).toEqual({ traces: null })
    expect(messages({})).toEqual([expect.stringContaining('traces.endpoint')])
  })

  it('keeps all traces, without headers, unless it says otherwise', () => {
    expect(read({ endpoint }).data?.traces).toEqual({ endpoint, headers: {}, sampleRatio: 1 })
  })

  it.each([
    ['a ratio beyond one', { endpoint, sampleRatio: 2 }, 'traces.sampleRatio 0 to 1'],
    ['a header that is two', { endpoint, headers: { 'a\r\nb': 'c' } }, 'headers'],
    ['no URL', { endpoint: 'otel:4318' }, 'traces.endpoint'],
    ['credentials in the URL', { endpoint: 'https://a:b@otel.example/' }, 'must not have credentials'],
    ['an unknown word', { endpoint, sampling: 1 }, 'known are endpoint, headers, sampleRatio'],
  ])('refuses %s', (_, traces, reason) => {
    expect(messages(traces).join()).toContain(reason)
  })

  it('sends headers through no network in the clear, and spans alone through any', () => {
    const headers = { authorization: 'env:OTLP' }
    expect(messages({ endpoint: 'http://otel.example/v1/traces', headers }).join()).toContain(
      'traces.headers would cross the network in the clear',
    )
    expect(messages({ endpoint: 'http://otel.example/v1/traces' })).toEqual([])
    expect(messages({ endpoint: 'http://127.0.0.1:4318/v1/traces', headers })).toEqual([])
  })

  it('keeps the values of headers as secrets, each with its path, until they are sent', async () => {
    const telemetry = telemetrySchema('/').parse({ traces: { endpoint, headers: { authorization: 'env:OTLP', 'x-tenant': 'seven' } } })
    expect(secretsOfTelemetry(telemetry).map(([path]) => path)).toEqual([
      'telemetry.traces.headers.authorization',
      'telemetry.traces.headers.x-tenant',
    ])
    expect(JSON.stringify(telemetry)).not.toContain('seven')
    if (!telemetry.traces) throw new Error('there are none')
    expect(await openHeaders(telemetry.traces, { OTLP: 'Basic abc' })).toEqual({
      ...{ endpoint, sampleRatio: 1 },
      headers: { authorization: 'Basic abc', 'x-tenant': 'seven' },
    })
    await expect(openHeaders(telemetry.traces, {})).rejects.toThrow('OTLP is not set')
  })
})
