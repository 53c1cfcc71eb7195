/** An agent's own door that answers what the test says, and keeps what it was asked. */
import type { OwnDoor } from '../../src/mcp/own-door.ts'

export interface AskedDoor extends OwnDoor {
  readonly asked: [method: string, path: string, body?: unknown][]
}

/** @param answers by method and path without its query; in turn where there are several */
export function doorAnswering(answers: Readonly<Record<string, readonly unknown[]>>): AskedDoor {
  const asked: AskedDoor['asked'] = []
  const answer = (method: string, path: string) => {
    const key = `${method} ${path.split('?')[0]}`
    const turns = answers[key] ?? []
    const before = asked.filter(([was, at]) => `${was} ${at.split('?')[0]}` === key).length
    return turns[Math.min(before, turns.length) - 1]
  }
  return {
    asked,
    get: async (path, schema) => {
      asked.push(['GET', path])
      return schema.parse(answer('GET', path))
    },
    post: async (path, body, schema) => {
      asked.push(['POST', path, body])
      return schema.parse(answer('POST', path))
    },
  }
}

export const BALANCE = {
  ...{ id: 'ses_1', purpose: 'research', currency: 'USD', cap: '5.00', spent: '0.30', held: '0.50', remaining: '4.20', state: 'open' },
  ...{ expiresAt: '2026-11-23T05:00:00.000Z', payments: 3, limits: { perPayment: '1.00' }, refillsAt: null, owner: 'alice' },
  available: '4.20',
  limitsUsed: [{ limit: 'perPayment', of: null, max: '1.00', used: null, left: '1.00' }],
}

export const DENIED = {
  ...{ id: 'pay_2', state: 'denied', code: 'per_payment_limit_exceeded', delivered: false, method: 'GET', url: 'https://a.example/x' },
  ...{ tool: null, task: null, tier: 'autonomous', rule: 'limits.perPayment', reason: 'It costs 10.00 USD; at most 1.00 USD.' },
  ...{ amount: '10.00', currency: 'USD', refunded: '0.00', count: 2, decidedAt: '2026-11-23T04:00:00.000Z', concludedAt: null },
}

export const SETTLED = { ...DENIED, id: 'pay_1', state: 'settled', code: null, delivered: true, amount: '0.001', count: 1 }
