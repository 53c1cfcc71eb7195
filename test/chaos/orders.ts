/** Orders: what operators and recipients do in a history besides paying and being paid. */
import type { Ledger } from '../../src/ledger/ledger.ts'
import type { Bar } from './checker.ts'
import type { Stage } from './happenings.ts'
import { HOUSE } from './house.ts'
import type { Order } from './plan.ts'
import { Random } from './random.ts'

type Given<K extends Order['kind']> = Extract<Order, { kind: K }>

/** An operator who was not answered asks again after this long. */
const PATIENCE_MS = 2_000

export class Orders {
  readonly #stage: Stage

  constructor(stage: Stage) {
    this.#stage = stage
  }

  /** `over` is called when nothing of it is left to do. */
  obey(order: Order, { seed, over }: { readonly seed: number; readonly over: () => void }): void {
    this.#stage.note(`order: ${order.kind}`)
    switch (order.kind) {
      case 'halt':
        this.#halt(order, over)
        return
      case 'cancel':
        this.#cancel()
        break
      case 'refund':
        this.#refund(order, seed)
        break
      case 'topup':
        this.#topUp(order)
        break
      default:
        this.#end(order)
    }
    over()
  }

  get #ledger(): Ledger | undefined {
    return this.#stage.replicas.find(({ running }) => running)?.running?.ledger
  }

  #topUp({ session, amount }: Given<'topup'>): void {
    const { sessionId, onRaise } = this.#stage
    const ledger = this.#ledger
    if (!ledger) return
    onRaise(sessionId(session), amount)
    ledger.topUp(sessionId(session), { amount, extend_ms: 0 }).catch(() => undefined)
  }

  /** Once it is answered, nothing more is reserved there. */
  #end({ kind, session }: Given<'close' | 'revoke'>): void {
    const id = this.#stage.sessionId(session)
    this.#ledger?.[kind](id).then(
      () => void this.#bar(id),
      () => undefined,
    )
  }

  /** Once it is answered, nothing more is reserved until somebody asks for the payments to go on. */
  #halt({ session, lasts_ms }: Given<'halt'>, over: () => void): void {
    const { agenda, sessionId } = this.#stage
    const id = session === null ? null : sessionId(session)
    const halt = id === null ? ({ scope: 'all', value: '' } as const) : ({ scope: 'session', value: id } as const)
    let bar: Bar | undefined
    let wanted = true
    const stands = () => {
      if (wanted) bar = this.#bar(id)
    }
    this.#ledger?.halt({ ...halt, reason: 'chaos', at: Math.floor(agenda.now) }).then(stands, () => undefined)
    agenda.later(lasts_ms, agenda.world, () => {
      wanted = false
      if (bar) bar.until = Math.floor(agenda.now)
      this.#insist((ledger) => ledger.resumePayments(halt), over)
    })
  }

  #bar(sessionId: string | null): Bar {
    const bar: Bar = { sessionId, from: this.#stage.agenda.now, until: Number.POSITIVE_INFINITY }
    this.#stage.bars.push(bar)
    return bar
  }

  /** At whichever process there is, until one has answered. */
  #insist(call: (ledger: Ledger) => Promise<unknown>, done: () => void): void {
    const { agenda } = this.#stage
    let answered = false
    const answer = () => {
      if (!answered) done()
      answered = true
    }
    const ask = () => {
      if (answered) return
      const ledger = this.#ledger
      if (ledger) call(ledger).then(answer, () => undefined)
      agenda.later(PATIENCE_MS, agenda.world, ask)
    }
    ask()
  }

  /** The last authorization is cancelled on the chain, if the settlement is not faster. */
  #cancel(): void {
    const { truth, chain } = this.#stage
    const last = [...truth.all].at(-1)
    if (!last) return
    const { nonce } = last.transfer
    void chain.submit({ kind: 'cancel', nonce, to: '', value: 0n, validAfter_s: 0, validBefore_s: 0 })
  }

  /** All or a part of a payment that the ledger has settled comes back, if it has looked at the chain before. */
  #refund({ stream }: Given<'refund'>, seed: number): void {
    const { chain, ground } = this.#stage
    const random = new Random(seed, stream)
    const settled = () =>
      ground.books.entries().find(({ state, nonce }) => state === 'settled' && chain.finalUse(nonce)?.call.kind === 'transfer')
    const giveBack = (scannedTo: bigint | undefined) => {
      const entry = settled()
      if (scannedTo === undefined || !entry) return
      const paid = BigInt(entry.amountAtomic)
      chain.giveBack(entry.payTo, random.chance(0.5) ? paid : (paid + 1n) / 2n)
    }
    this.#ledger?.scannedTo(HOUSE.network, HOUSE.watched.wallet).then(giveBack, () => undefined)
  }
}
