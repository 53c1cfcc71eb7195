/** Which routes have charged before: their long bodies are worth keeping (rule R20). */
import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { MAX_CHARGING_ROUTES } from '../limits.ts'
import type { Target } from './target.ts'

export interface ChargingRoutes {
  has(method: string, target: Target): boolean
  mark(method: string, target: Target): void
}

/** Remembers the most recent ones, by method, origin and path. */
export function createChargingRoutes(max = MAX_CHARGING_ROUTES): ChargingRoutes {
  const known = new LRUCache<string, true>({ max })
  return {
    has: (method, target) => known.get(keyOf(method, target)) === true,
    mark: (method, target) => {
      known.set(keyOf(method, target), true)
    },
  }
}

/** Paths are long at an agent's pleasure; what is remembered of them is not. */
function keyOf(method: string, { label }: Target): string {
  return hash('sha256', `${method} ${label}`, 'base64')
}
