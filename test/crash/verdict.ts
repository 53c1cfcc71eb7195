/** What must be true in the end: the ledger against the chain, and each order against what its agent got. */
import { z } from 'zod'
import { parseAmount } from '../../src/money.ts'
import type { Lane } from './lane.ts'

const paymentSchema = z.object({
  id: z.string(),
  url: z.string(),
  state: z.string(),
  amountAtomic: z.string().nullable(),
  nonce: z.string().nullable(),
  times: z.object({ signed: z.string().nullable() }),
})
const sessionSchema = z.object({ id: z.string(), cap: z.string(), spent: z.string(), held: z.string() })
const verificationSchema = z.object({ ok: z.boolean(), count: z.number(), brokenAt: z.unknown() })
const receiptSchema = z.object({ paymentId: z.string() })

export type LanePayment = z.infer<typeof paymentSchema>

const FINAL = new Set(['settled', 'void', 'denied'])

/** True at every moment: no session is beyond its cap, and every chain of receipts holds. @returns what is wrong. */
export async function wrongNow(lane: Lane): Promise<string[]> {
  const wrong: string[] = []
  for (const { id, cap, spent, held } of await all(lane, '/v1/sessions', sessionSchema)) {
    if (parseAmount(spent) + parseAmount(held) > parseAmount(cap)) wrong.push(`${id}: ${spent} spent, ${held} held, of ${cap}`)
  }
  const { ok, brokenAt } = verificationSchema.parse(await lane.process.admin('/v1/receipts/verify'))
  if (!ok) wrong.push(`receipts: ${JSON.stringify(brokenAt)}`)
  return wrong
}

/** True once every window has closed and the chain was asked. @returns what is wrong. */
export async function wrongInTheEnd(lane: Lane): Promise<string[]> {
  const [payments, sessions, receipts] = [await paymentsOf(lane), await all(lane, '/v1/sessions', sessionSchema), await receiptsOf(lane)]
  const settlements = await lane.world.testnet.settlementsFrom(lane.process.walletAddress as `0x${string}`)
  const byNonce = new Map(payments.map((payment) => [payment.nonce?.toLowerCase(), payment]))
  const paid = new Map<string, number>()
  for (const { nonce } of settlements) {
    const url = byNonce.get(nonce.toLowerCase())?.url ?? `nothing in the ledger (${nonce})`
    paid.set(url, (paid.get(url) ?? 0) + 1)
  }
  const moved = settlements.reduce((sum, { value }) => sum + value, 0n)
  const spent = sessions.reduce((sum, session) => sum + parseAmount(session.spent), 0n)
  return [
    ...[...paid].filter(([url, count]) => count > 1 || url.startsWith('nothing')).map(([url, count]) => `${count} settlements of ${url}`),
    ...payments.filter(({ state }) => !FINAL.has(state)).map(({ id, state, url }) => `${id} is still ${state}: ${url}`),
    ...payments.filter(({ id, times }) => times.signed !== null && !receipts.has(id)).map(({ id }) => `${id} has no receipt`),
    ...sessions.filter(({ held }) => parseAmount(held) !== 0n).map(({ id, held }) => `${id} still holds ${held}`),
    ...(spent === moved ? [] : [`the ledger says ${spent} were spent, the chain ${moved}`]),
    ...unserved(lane),
    ...(await wrongNow(lane)),
  ]
}

/** Whoever asked got the goods, or the one answer that says that the money is gone without them. */
function unserved({ purchases }: Lane): string[] {
  return (
    purchases
      // A server that is gone serves nobody.
      .filter(({ order }) => !order.url.includes('/gone'))
      .filter(({ order, got }) => {
        const last = got.at(-1)
        if (order.headers.includes('never') || order.headers.includes('gamble')) return last?.kind !== 'refused'
        return !(got.some(({ kind }) => kind === 'goods') || (last?.kind === 'refused' && last.code === 'paid_not_delivered'))
      })
      .map(({ order, got }) => `${order.url} got ${JSON.stringify(got)}`)
  )
}

export function paymentsOf(lane: Lane): Promise<LanePayment[]> {
  return all(lane, '/v1/payments', paymentSchema)
}

async function receiptsOf(lane: Lane): Promise<Set<string>> {
  return new Set((await all(lane, '/v1/receipts', receiptSchema)).map(({ paymentId }) => paymentId))
}

async function all<T>(lane: Lane, path: string, schema: z.ZodType<T>): Promise<T[]> {
  const page = z.object({ items: z.array(schema), next: z.string().nullable() })
  const items: T[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const asked = `${path}?limit=1000${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`
    const { items: more, next }: z.infer<typeof page> = page.parse(await lane.process.admin(asked))
    items.push(...more)
    cursor = next
  }
  return items
}
