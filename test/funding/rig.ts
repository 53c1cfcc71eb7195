/** A real ledger, treasury and funder over a token on paper, with time in hand, and a hand on where it dies. */
import { createFunder, type FunderDeps } from '../../src/funding/funder.ts'
import { isFunded } from '../../src/funding/plan.ts'
import { createRounds } from '../../src/funding/rounds.ts'
import { createTreasury } from '../../src/funding/treasury.ts'
import { FUNDING_LEASE_MS } from '../../src/funding-limits.ts'
import { withFunding } from '../../src/ledger/funded.ts'
import type { FundingStore } from '../../src/ledger/fundings.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { composeLedger } from '../../src/ledger/sqlite.ts'
import { createDerivedWallet } from '../../src/wallet/derived.ts'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import { countingIds, testClock } from '../clock.ts'
import { fixtures } from '../ledger/fixtures.ts'
import { emptyDatabase } from '../ledger/sqlite/workbench.ts'
import { USDC } from './fixtures.ts'
import { PaperToken } from './paper-token.ts'

const KEY = `0x${'5a'.repeat(32)}` as const
export const STOCK = 1_000_000_000n

/** Throws right before or after the how manieth step, and at every later one: the process is gone. */
class Death {
  #left: number
  readonly #when: 'before' | 'after'

  constructor(steps = Number.POSITIVE_INFINITY, when: 'before' | 'after' = 'before') {
    this.#left = steps
    this.#when = when
  }

  async step<T>(run: () => Promise<T>): Promise<T> {
    this.#left--
    if (this.#left < 0 || (this.#left === 0 && this.#when === 'before')) throw new Error('killed here')
    const value = await run()
    if (this.#left === 0) throw new Error('killed here')
    return value
  }
}

export async function fundingRig({ stock = STOCK } = {}) {
  const clock = testClock()
  const ids = countingIds()
  const plain = await composeLedger(emptyDatabase(), { clock, ids: countingIds(), runId: 'run_1' })
  const wallet = createDerivedWallet({ seed: Buffer.alloc(32, 3) })
  const addressFor: Parameters<typeof withFunding>[1]['addressFor'] = async (session) =>
    isFunded(session, USDC) ? wallet.address(session.id) : undefined
  const ledger: Ledger = withFunding(plain, { addressFor, clock })
  const token = new PaperToken(() => Math.floor(clock.now() / 1000))
  const told: string[] = []
  const events: FunderDeps['events'] = {
    warned: (sentence) => void told.push(sentence),
    fundingEnded: ({ kind, state, amountAtomic }) => void told.push(`${kind} ${amountAtomic} ${state}`),
  }
  const process = async (death = new Death()) => {
    const treasury = await createTreasury({
      ...{ asset: USDC, purse: createLocalWallet({ key: KEY }), wallet, nonceSecret: Buffer.alloc(32, 7), chainId: 84532 },
      deliver: (move) => death.step(() => token.deliver(move)),
    })
    const store = dying(ledger.fundings, death)
    const chain = {
      find: (transfer: Parameters<PaperToken['find']>[0]) => death.step(() => token.find(transfer)),
      balance: ({ wallet: of }: { readonly wallet: string }) => death.step(async () => token.balanceOf(of)),
    }
    const attend = createFunder({ ledger, store, chain, clock, events, treasury })
    return { treasury, rounds: createRounds({ store, attend, clock, events }) }
  }
  const { treasury, rounds } = await process()
  token.pay(treasury.address, stock)
  const make = fixtures(ids, () => clock.now())
  return {
    ...{ clock, ledger, token, told, treasury, make },
    async open(more: Parameters<typeof make.session>[0] = {}) {
      const asked = make.session({ networks: [USDC.network], ...more })
      const session = await ledger.openSession({ ...asked, wallet: more.wallet ?? asked.id })
      return { id: session.id, address: await wallet.address(session.id) }
    },
    /** Rounds until nothing happens at this moment. */
    round: () => rounds.round(),
    /** Some time later, with a round each second or so. */
    async later(seconds: number, each = 1) {
      for (let second = 0; second < seconds; second += each) {
        clock.advance(each * 1000)
        await rounds.round()
      }
    },
    /** A process that dies there, in its first round; its lease runs out. */
    async die(steps: number, when: 'before' | 'after') {
      const doomed = await process(new Death(steps, when))
      await doomed.rounds.round().catch(() => undefined)
      clock.advance(FUNDING_LEASE_MS)
    },
  }
}

function dying(store: FundingStore, death: Death): FundingStore {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return (...args: readonly unknown[]) => death.step(() => Reflect.apply(member, target, args) as Promise<unknown>)
    },
  })
}
