import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { openTraces } from '../../src/telemetry/traces.ts'
import { startCollector } from './collector.ts'

const SOURCE = resolve(import.meta.dirname, '../../src')

/** Of OpenTelemetry's modules, how many a fresh process has after this script. Its types alone are there in any case: prom-client wants them. */
function loadedAfter(script: string): number {
  const count = `const { createRequire } = await import('node:module')
    const { cache } = createRequire('${SOURCE}/app.ts')
    console.log(Object.keys(cache).filter((path) => path.includes('@opentelemetry') && !path.includes('@opentelemetry/api/')).length)`
  const words = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', `${script}\n${count}`]
  return Number.parseInt(execFileSync(process.execPath, words, { encoding: 'utf8', cwd: SOURCE }), 10)
}

describe('traces', () => {
  it('that are off cost nothing: the whole program loads without their library', () => {
    expect(loadedAfter(`await import('${SOURCE}/app.ts'); await import('${SOURCE}/telemetry/traces.ts')`)).toBe(0)
    expect(loadedAfter(`await import('${SOURCE}/telemetry/otlp-traces.ts')`)).toBeGreaterThan(10)
  })

  it('that are on reach the collector when they are closed', async () => {
    await using collector = await startCollector()
    const warned = () => undefined
    const traces = await openTraces({ endpoint: collector.endpoint, headers: {}, sampleRatio: 1, clock: systemClock, warned })
    traces.exchange(undefined, () =>
      traces.ended({
        ...{ exchangeId: 'exc_1', mode: 'forward', outcome: 'passed', method: 'GET', target: 'https://api.example.com/' },
        ...{ status: 200, duration_ms: 1, bytes: 1 },
      }),
    )
    await traces[Symbol.asyncDispose]()
    expect(collector.spans.map(({ name }) => name)).toEqual(['GET'])
  })
})
