import { describe, expect, it } from 'vitest'
import { channelLines } from '../../src/cli/session-channels.ts'

const CHANNEL = {
  ...{ state: 'open', network: 'eip155:84532', asset: 'USDC', recipient: '0xa', deposited: '0.05', charged: '0.005' },
  ...{ returned: '0', refused: false },
}
const lineOf = (changes: object) => channelLines({ channels: [{ ...CHANNEL, ...changes }] })

describe('the channels of a session', () => {
  it('are a line each, and none where there are none', () => {
    expect(channelLines({ id: 'ses_1' })).toEqual([])
    expect(lineOf({})).toEqual(['Channel   0xa on eip155:84532: 0.05 USDC deposited, 0.005 charged; open'])
  })

  it('say what is being claimed back, and of whom', () => {
    const [asked] = lineOf({ state: 'closing' })
    expect(asked).toContain('; the rest is being claimed back from the recipient')
    const [refused] = lineOf({ state: 'closing', refused: true })
    expect(refused).toContain('after its delay, because the recipient did not give it back')
  })

  it('say at the end what came back', () => {
    expect(lineOf({ state: 'closed', returned: '0.045' })[0]).toMatch(/0\.05 USDC deposited, 0\.005 charged, 0\.045 returned$/)
  })
})
