/**
 * What a channel was filled with: its deposits are payments, and each is certain only once the chain has shown it. A
 * server that says that it took one may be wrong, and one that was never taken has to be dead before it counts as nothing.
 */
import type { Channel } from '../../ledger/channels.ts'
import type { Ledger, Page, Payment } from '../../ledger/ledger.ts'
import { MAX_PAGE } from '../../limits.ts'

export interface Filled {
  /** Atomic units that the chain took into the channel, or that people say it took. */
  readonly deposited: bigint
  /** One whose end is not certain yet. */
  readonly open: Payment | undefined
  /** The newest final block that one of them is in. */
  readonly block: bigint
}

export async function filledBy(ledger: Pick<Ledger, 'payments' | 'channels'>, channel: Channel): Promise<Filled> {
  const deposits = await depositsOf(ledger, channel)
  const taken = deposits.filter(({ state }) => state === 'settled')
  return {
    deposited: taken.reduce((sum, { terms }) => sum + (terms?.amountAtomic ?? 0n), 0n),
    open: deposits.find((payment) => !isCertain(payment)),
    block: taken.reduce((newest, { block }) => (block !== null && BigInt(block) > newest ? BigInt(block) : newest), 0n),
  }
}

/** Whatever was refused before it was signed moved nothing. */
function isCertain({ state, evidence, signedAt }: Payment): boolean {
  if (state === 'settled') return evidence === 'confirmed' || evidence === 'operator'
  return state === 'void' || (signedAt === null && state !== 'reserved')
}

async function depositsOf(ledger: Pick<Ledger, 'payments' | 'channels'>, { id, sessionId }: Channel): Promise<Payment[]> {
  const found: Payment[] = []
  let cursor: string | null | undefined
  while (cursor !== null) {
    const page: Page<Payment> = await ledger.payments({ session: sessionId }, { limit: MAX_PAGE, ...(cursor !== undefined && { cursor }) })
    for (const payment of page.items.filter(({ terms }) => terms?.method === 'deposit')) {
      if ((await ledger.channels.voucher(payment.id))?.channelId === id) found.push(payment)
    }
    cursor = page.next
  }
  return found
}
