/** How far the chains have been looked through for transfers back to our wallets. */
import type { DatabaseSync } from 'node:sqlite'
import { type Row, text } from '../rows.ts'
import type { Transaction } from '../tables.ts'

export class Scans {
  readonly #find
  readonly #put

  constructor(db: DatabaseSync) {
    this.#find = db.prepare('SELECT block FROM scans WHERE network = ? AND wallet = ?')
    this.#put = db.prepare(`
      INSERT INTO scans (network, wallet, block) VALUES (?, ?, ?)
      ON CONFLICT (network, wallet) DO UPDATE SET block = excluded.block`)
  }

  /** The last block, inclusive. */
  upTo(network: string, wallet: string): bigint | undefined {
    const row: Row | undefined = this.#find.get(network, wallet.toLowerCase())
    return row && BigInt(text(row, 'block'))
  }

  /** Never goes back: what was looked through stays so. */
  set(_tx: Transaction, { network, wallet, block }: { readonly network: string; readonly wallet: string; readonly block: bigint }): void {
    const before = this.upTo(network, wallet)
    if (before === undefined || before < block) this.#put.run(network, wallet.toLowerCase(), block.toString())
  }
}
