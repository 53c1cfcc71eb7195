/** Truth: what really happened to signatures, whoever wrote what about it: made, on the wire, dead. */
import type { Hex, TransferAuthorization, Wallet } from '../../src/wallet/wallet.ts'
import type { Life } from './agenda.ts'
import type { Call } from './chain-model.ts'

/** An authorization that was signed at some time. */
export interface Signed {
  readonly transfer: TransferAuthorization
  readonly paymentId: string
  readonly sessionId: string
  readonly url: string
  /** The process that signed it: while it never left and is written nowhere, it is gone with that process. */
  readonly life: Life
  /** Its bytes are out: whoever has them can take the money until it is dead. */
  left: boolean
  /** The ledger freed it, and it never left. */
  withdrawn: boolean
}

/** Everything that was ever signed, by payment. Two payments of one purchase may have one nonce. */
export class Truth {
  readonly #signed = new Map<string, Signed>()
  readonly #byNonce = new Map<string, Signed[]>()
  /** Rises with each change. */
  version = 0

  get all(): Iterable<Signed> {
    return this.#signed.values()
  }

  get count(): number {
    return this.#signed.size
  }

  of(paymentId: string): Signed | undefined {
    return this.#signed.get(paymentId)
  }

  /** Oldest first. */
  with(nonce: string): readonly Signed[] {
    return this.#byNonce.get(nonce) ?? []
  }

  add(signed: Signed): void {
    const { nonce } = signed.transfer
    this.#signed.set(signed.paymentId, signed)
    this.#byNonce.set(nonce, [...this.with(nonce), signed])
    this.version++
  }

  /** Whether a transfer of this amount to this recipient was this one: of two that are the same, it was the newer one. */
  made(signed: Signed, { to, value }: Pick<Call, 'to' | 'value'>): boolean {
    const same = this.with(signed.transfer.nonce).filter(({ transfer }) => transfer.to === to && transfer.value === value)
    return same.findLast(({ withdrawn }) => !withdrawn) === signed
  }

  leave(signed: Signed): void {
    signed.left = true
    this.version++
  }

  withdraw(signed: Signed): void {
    signed.withdrawn = true
    this.version++
  }
}

/** The call that a signed transfer allows. */
export function callOf({ nonce, to, value, validAfter, validBefore }: TransferAuthorization): Call {
  return { kind: 'transfer', nonce, to, value, validAfter_s: Number(validAfter), validBefore_s: Number(validBefore) }
}

/** The wallet, watched: `onSign` hears of each signature before anybody has it. */
export function watchedWallet(wallet: Wallet, onSign: (data: TransferAuthorization) => void): Wallet {
  return {
    ...wallet,
    signTransfer: async (name, data): Promise<Hex> => {
      onSign(data)
      return wallet.signTransfer(name, data)
    },
  }
}
