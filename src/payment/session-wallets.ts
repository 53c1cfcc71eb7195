/**
 * The wallets of sessions, where each has its own: what proof has to watch beside the wallets that are configured. The
 * ledger's list of sessions is what remembers them.
 */
import type { Ledger, Page } from '../ledger/ledger.ts'
import { MAX_PAGE } from '../limits.ts'
import type { Session } from '../session/session.ts'
import type { Wallet } from '../wallet/wallet.ts'
import { MAX_SEARCHED_SESSIONS, MAX_WATCHED_SESSIONS } from '../wallet-limits.ts'
import type { WatchedWallet } from './refunds.ts'

export interface SessionWallets {
  /** The next few, in turn through all sessions: each call goes on where the one before ended. */
  next(): Promise<readonly WatchedWallet[]>
  /** All, as far as the bound allows. */
  all(): Promise<{ readonly wallets: readonly WatchedWallet[]; readonly more: boolean }>
}

export interface SessionWalletsOptions {
  readonly ledger: Pick<Ledger, 'sessions'>
  readonly wallet: Pick<Wallet, 'address' | 'payers'>
  /** Networks that can be asked, with the tokens that are paid in there. */
  readonly places: readonly Pick<WatchedWallet, 'network' | 'tokens'>[]
}

export function createSessionWallets(options: SessionWalletsOptions): SessionWallets {
  let at: string | null = null
  return {
    async next() {
      const found: Session[] = []
      do {
        const page = await pageFrom(options, at, MAX_WATCHED_SESSIONS)
        found.push(...page.items.filter(isWatched))
        at = page.next
      } while (at !== null && found.length < MAX_WATCHED_SESSIONS)
      return watched(options, found)
    },
    async all() {
      const found: Session[] = []
      let cursor: string | null = null
      do {
        const page = await pageFrom(options, cursor, MAX_PAGE)
        found.push(...page.items.filter(({ wallet }) => wallet !== null))
        cursor = page.next
      } while (cursor !== null && found.length < MAX_SEARCHED_SESSIONS)
      return { wallets: await watched(options, found), more: cursor !== null }
    },
  }
}

function pageFrom({ ledger }: SessionWalletsOptions, cursor: string | null, limit: number): Promise<Page<Session>> {
  return ledger.sessions({ limit, ...(cursor !== null && { cursor }) })
}

/** Nothing comes back to a session that ended and paid nothing. */
function isWatched({ wallet, status, payments }: Session): boolean {
  return wallet !== null && (status === 'open' || payments > 0)
}

/** A wallet that is no longer configured has no address here, and is left out, as are those that all share. */
async function watched({ wallet, places }: SessionWalletsOptions, sessions: readonly Session[]): Promise<WatchedWallet[]> {
  const shared = (await wallet.payers?.(null)) ?? [await wallet.address(null)]
  const addresses = new Set<string>()
  for (const name of new Set(sessions.map((session) => session.wallet))) {
    const own = (await wallet.payers?.(name)) ?? [await wallet.address(name).catch(() => undefined)]
    for (const address of own) if (address !== undefined && !shared.includes(address)) addresses.add(address)
  }
  return [...addresses].flatMap((address) => places.map((place) => ({ ...place, wallet: address })))
}
