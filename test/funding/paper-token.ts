/** A token on paper that does what EIP-3009 says: each nonce once, never more than there is, nothing after its end. */
import type { ChainFinding, SignedTransfer } from '../../src/chain/chain.ts'
import type { Signed } from '../../src/funding/treasury.ts'

interface Used {
  readonly move: Signed
  readonly block: number
}

export class PaperToken {
  readonly balances = new Map<string, bigint>()
  readonly used = new Map<string, Used>()
  /** Handed in and in no block yet. */
  readonly pending: Signed[] = []
  /** How often anything was handed in. */
  delivered = 0
  block = 1
  finality = 0
  /** Takes nothing into blocks of its own accord. */
  lazy = false
  /** What it says where it does not answer. */
  silence: string | undefined
  now_s: () => number

  constructor(now_s: () => number) {
    this.now_s = now_s
  }

  balanceOf(address: string): bigint {
    return this.balances.get(address.toLowerCase()) ?? 0n
  }

  pay(address: string, amount: bigint): void {
    this.balances.set(address.toLowerCase(), this.balanceOf(address) + amount)
  }

  async deliver(move: Signed): Promise<string> {
    this.delivered++
    if (this.lazy) this.pending.push(move)
    else this.mine([move])
    return `0x${move.nonce.slice(2, 10)}`
  }

  mine(moves: readonly Signed[] = this.pending.splice(0)): void {
    this.block++
    for (const move of moves) {
      const { from, to, value, nonce, validBefore } = move
      const isGood = !this.used.has(nonce) && BigInt(this.now_s()) < validBefore && this.balanceOf(from) >= value
      if (!isGood) continue
      this.used.set(nonce, { move, block: this.block })
      this.pay(from, -value)
      this.pay(to, value)
    }
  }

  async find({ nonce, validBefore_s }: SignedTransfer): Promise<ChainFinding> {
    if (this.silence !== undefined) return { kind: 'unavailable', reason: this.silence }
    const used = this.used.get(nonce)
    const transaction = `0x${nonce.slice(2, 10)}`
    if (used && used.block + this.finality <= this.block) return { kind: 'settled', transaction, block: BigInt(used.block), time_s: 1 }
    if (used) return { kind: 'open', reason: 'not final', seen: { transaction, block: BigInt(used.block) } }
    if (this.now_s() >= validBefore_s) return { kind: 'dead', block: 1n, time_s: this.now_s() }
    return { kind: 'open', reason: 'unused so far' }
  }
}
