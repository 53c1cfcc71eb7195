import { describe, expect, it } from 'vitest'
import { workbench } from './workbench.ts'

describe('how far a chain was looked through', () => {
  it('is kept for each network and wallet, whatever its case, and never goes back', () => {
    const { tables, write } = workbench()
    const set = (network: string, wallet: string, block: bigint) => write((tx) => tables.scans.set(tx, { network, wallet, block }))
    set('n', '0xAB', 7n)
    set('n', '0xab', 6n)
    set('m', '0xab', 2n ** 80n)
    expect([tables.scans.upTo('n', '0xAb'), tables.scans.upTo('m', '0xab'), tables.scans.upTo('n', '0xcd')]).toEqual([
      7n,
      2n ** 80n,
      undefined,
    ])
  })
})
