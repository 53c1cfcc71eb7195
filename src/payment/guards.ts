/** Guards against recipients that take money and fail, and against agents that retry without thinking. */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import { MAX_WATCHED } from '../people-limits.ts'
import type { SendResult } from '../session/exchange.ts'
import type { Events } from '../telemetry/events.ts'
import { type Circuit, type CircuitRule, createCircuit } from './circuit.ts'
import { createLoops, type LoopRule, type Loops } from './loops.ts'

export interface Guards {
  readonly circuit: Circuit
  readonly loops: Loops
  /** True the first time that this is found. */
  readonly isNews: (finding: string) => boolean
}

export interface GuardRules {
  readonly circuitBreaker: CircuitRule | null
  readonly loopGuard: LoopRule | null
}

export interface GuardOptions extends GuardRules {
  readonly clock: Clock
  readonly events: Pick<Events, 'circuitTurned' | 'loopDetected'>
}

/** Their memory is this process's own, bounded, and gone with it. */
export function createGuards({ circuitBreaker, loopGuard, clock, events }: GuardOptions): Guards {
  return {
    circuit: createCircuit({ rule: circuitBreaker, clock, events }),
    loops: createLoops({ rule: loopGuard, clock, events }),
    isNews: createNews(),
  }
}

function createNews(): (finding: string) => boolean {
  const known = new LRUCache<string, true>({ max: MAX_WATCHED })
  return (finding) => {
    if (known.get(finding)) return false
    known.set(finding, true)
    return true
  }
}

/** How a paid request went for its circuit; undefined where nothing left, which says nothing about the recipient. */
export function servedBy(result: SendResult): 'served' | 'failed' | undefined {
  if (result.kind === 'failed') return result.sent ? 'failed' : undefined
  const { status } = result.answer
  return status >= 500 || status === 402 ? 'failed' : 'served'
}
