import { describe, expect, it } from 'vitest'
import { walletOf, walletSchema } from '../../src/config/wallet.ts'

const ADDRESS = '0x1111111111111111111111111111111111111111'
const read = (written: unknown) => walletSchema('/etc/purser').safeParse(written)

describe('wallet', () => {
  it('is a local key in the data folder unless told otherwise', () => {
    expect(walletOf(walletSchema('/etc').parse({}), '/data/wallet.key')).toEqual({
      kind: 'local',
      key: { kind: 'file', path: '/data/wallet.key' },
    })
  })

  it('is a signer by socket and address', () => {
    const parsed = read({ kind: 'signer', socket: 'run/socket', address: ADDRESS })
    expect(parsed.data).toEqual({ kind: 'signer', socket: '/etc/purser/run/socket', address: ADDRESS })
  })

  it.each([
    { kind: 'signer' },
    { kind: 'signer', socket: 'a' },
    { kind: 'signer', socket: 'a', address: ADDRESS, key: 'file:k' },
    { kind: 'local', socket: 'a' },
    { kind: 'cloud' },
  ])('%o is refused', (written) => {
    expect(read(written).success).toBe(false)
  })
})
