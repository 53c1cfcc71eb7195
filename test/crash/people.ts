/** People around a lane: a webhook that takes every notice, and an approver who says yes to all that waits. */
import { createServer } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { CHALLENGE_AGE_MS } from '../../src/limits.ts'
import { listen } from '../testnet/doors.ts'
import type { PurserProcess } from './process.ts'

/** Headers that put a purchase into a tier with people; see `governance`. */
export const HIRE = ['Purser-Tool', 'hire']
export const TELL = ['Purser-Tool', 'tell']
/** Its window is longer than an agent is kept waiting. */
export const TELL_LONG = ['Purser-Tool', 'tell-long']
/** Approved so late that the challenge has aged by then. */
export const HIRE_LATE = ['Purser-Tool', 'hire-late']
export const GAMBLE = ['Purser-Tool', 'gamble']

export interface Hook extends AsyncDisposable {
  readonly url: string
  /** Types of what came, in order. */
  readonly types: string[]
}

const noticeSchema = z.looseObject({ type: z.string() })

/** Takes every notice, which proves that people have it. */
export async function startHook(): Promise<Hook> {
  const types: string[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    types.push(noticeSchema.parse(JSON.parse(Buffer.concat(chunks).toString())).type)
    response.writeHead(204).end()
  })
  const url = `http://127.0.0.1:${await listen(server)}/notices`
  return {
    ...{ url, types },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** What a configuration says of people, beside what it says of the rest. */
export function governance(hookUrl: string): Record<string, unknown> {
  const tools = ['hire', 'hire-late', 'tell', 'tell-long', 'gamble'] as const
  const conditions = (category: string) => ({
    ...{ maxAmount: '1', categories: [category], recipientTrust: 'verified', frequency: { max: 1_000_000, per: '1h' } },
  })
  return {
    people: [{ id: 'ops', roles: ['owner', 'approver'], webhook: hookUrl }],
    approvals: { hold: '15s', vetoHold: '1s' },
    categories: [...tools.map((tool) => ({ host: '*', tool, category: tool })), { host: '*', category: 'api_calls' }],
    tiers: [
      { name: 'autonomous', conditions: conditions('api_calls'), approval: 'none' },
      { name: 'asking', conditions: conditions('hire'), approval: 'explicit_human', timeout: '1h' },
      { name: 'asking-late', conditions: conditions('hire-late'), approval: 'explicit_human', timeout: '1h' },
      { name: 'telling', conditions: conditions('tell'), approval: 'notify_with_veto', vetoWindow: '300ms' },
      { name: 'telling-long', conditions: conditions('tell-long'), approval: 'notify_with_veto', vetoWindow: '1500ms' },
      { name: 'prohibited', conditions: { categories: ['gamble'] }, approval: 'blocked', alert: 'immediate_to_owner' },
    ],
  }
}

const pendingSchema = z.object({ items: z.array(z.looseObject({ id: z.string(), kind: z.string(), tier: z.string() })) })

/** Says yes to whatever waits, as long as this process lives. */
export async function approveAll(process: PurserProcess): Promise<void> {
  let lives = true
  const ended = process.ended.then(() => {
    lives = false
  })
  const seen = new Map<string, number>()
  while (lives) {
    await approveOnce(process, seen).catch(() => undefined)
    await Promise.race([wait(100), ended])
  }
}

const LATE_MS = CHALLENGE_AGE_MS + 500

async function approveOnce(process: PurserProcess, seen: Map<string, number>): Promise<void> {
  const { items } = pendingSchema.parse(await process.admin('/v1/approvals?state=pending'))
  const now = performance.now()
  for (const { id } of items) seen.set(id, seen.get(id) ?? now)
  const isDue = ({ id, tier }: (typeof items)[number]) => tier !== 'asking-late' || now - (seen.get(id) ?? now) >= LATE_MS
  const asked = items.filter((approval) => approval.kind === 'approval' && isDue(approval))
  await Promise.all(asked.map(({ id }) => process.admin(`/v1/approvals/${id}/approve`, { method: 'POST', body: { reason: 'fine' } })))
}
