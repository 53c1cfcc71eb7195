/** What one exchange's telemetry costs by itself: its metrics, and its canonical line into a file. */

import { mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExchangeLine } from '../../src/telemetry/events.ts'
import { batched } from '../../src/telemetry/log.ts'
import { createTelemetry } from '../../src/telemetry/telemetry.ts'
import { shown, type Table } from './report.ts'
import { median } from './statistics.ts'

const EXCHANGES = 20_000
const ROUNDS = 7

const LINE: ExchangeLine = {
  exchangeId: 'ex_0123456789abcdef',
  mode: 'forward',
  outcome: 'passed',
  method: 'GET',
  target: 'http://api.example.com/v1/data',
  status: 200,
  duration_ms: 12.345678,
  bytes: 1024,
  sessionId: 'ses_0123456789abcdef',
  agent: 'agent-1',
}

/** Microseconds of processor time for each exchange, the median of some rounds. */
function cost_us(level: string, file: number): number {
  const { events } = createTelemetry({ level, destination: batched(file) })
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage()
    for (let n = 0; n < EXCHANGES; n++) events.exchangeEnded(LINE)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / EXCHANGES
  })
  return median(rounds)
}

export function telemetryTable(): Table {
  const folder = mkdtempSync(join(tmpdir(), 'purser-telemetry-'))
  // It closes with the process: the last lines are on their way until then.
  const file = openSync(join(folder, 'log'), 'a')
  try {
    const metrics = cost_us('silent', file)
    const both = cost_us('info', file)
    return {
      rows: [
        ['telemetry of one exchange by itself', 'CPU µs'],
        ['metrics', shown(metrics, 2)],
        ['metrics and the canonical line', shown(both, 2)],
      ],
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
