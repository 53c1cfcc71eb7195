import { describe, expect, it } from 'vitest'
import { readSignerOptions, UsageFault } from '../../src/wallet/signer-options.ts'

const TOKEN = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
const FLAGS = {
  ...{ key: 'file:k', socket: '/s/socket', journal: '/s/journal', asset: `eip155:84532/${TOKEN}` },
  ...{ 'max-per-payment': '1.00', 'max-per-session': '25', 'max-per-day': '100' },
}
const argvOf = (flags: Record<string, string>) => Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value])

describe('readSignerOptions', () => {
  it('reads caps as millionths and tokens with their decimals', () => {
    expect(readSignerOptions(argvOf(FLAGS))).toEqual({
      ...{ key: 'file:k', password: undefined, socket: '/s/socket', journal: '/s/journal', recipients: undefined, acceptRestored: false },
      caps: { perPayment: 1_000_000n, perSession: 25_000_000n, perDay: 100_000_000n },
      assets: [{ chainId: 84532, token: TOKEN.toLowerCase(), decimals: 6 }],
    })
    const more = readSignerOptions([...argvOf({ ...FLAGS, asset: `eip155:1/${TOKEN}@18`, recipient: TOKEN }), '--accept-restored-ledger'])
    expect(more).toMatchObject({ assets: [{ chainId: 1, decimals: 18 }], recipients: new Set([TOKEN.toLowerCase()]), acceptRestored: true })
  })

  it.each(Object.keys(FLAGS))('G7: without --%s nothing is signed', (name) => {
    const { [name]: _, ...rest } = FLAGS as Record<string, string>
    expect(() => readSignerOptions(argvOf(rest))).toThrow(UsageFault)
    expect(() => readSignerOptions(argvOf(rest))).toThrow(`--${name} is missing`)
  })

  it.each([
    { asset: 'USDC' },
    { asset: `eip155:1/${TOKEN}@99` },
    { recipient: '0x1' },
    { 'max-per-day': 'much' },
    { 'max-per-day': '-1' },
    { colour: 'red' },
  ])('%o is wrong usage', (wrong) => {
    expect(() => readSignerOptions(argvOf({ ...FLAGS, ...wrong }))).toThrow(UsageFault)
  })
})
