import { decodeFunctionData, parseAbi } from 'viem'
import { describe, expect, it } from 'vitest'
import { addressIn, balanceCall, CANCELLED, cancelCall, chainIdOf, stateCall, TRANSFER, topicOf, USED } from '../../src/chain/eip3009.ts'

const TOKEN = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
const PAYER = '0x857b06519E91e3A54538791bDbb0E22373e36b66'
const NONCE = `0x${'ab'.repeat(32)}`
const SIGNATURE = `0x${'11'.repeat(32)}${'22'.repeat(32)}1c`

describe('EIP-3009', () => {
  it('has the event selectors that USDC writes', () => {
    expect(USED).toBe('0x98de503528ee59b575ef0c0a2576a82497bfc029a5685b209e9ec333479b10a5')
    expect(CANCELLED).toBe('0x1cdd46ff242716cdaa72d159d339a485b3438398348d68f09d7c8c0a59353d81')
    expect(TRANSFER).toBe('0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef')
  })

  it('puts addresses into topics and reads them again, whatever the case of their letters', () => {
    expect(topicOf(PAYER)).toBe(`0x${'0'.repeat(24)}${PAYER.slice(2).toLowerCase()}`)
    expect(addressIn(topicOf(PAYER.toLowerCase()))).toBe(PAYER)
    expect([addressIn(undefined), addressIn('0x12'), addressIn(NONCE)]).toEqual([undefined, undefined, undefined])
  })

  it('makes the call that cancels, with the signature in its three parts', () => {
    const call = cancelCall({ network: 'eip155:84532', token: TOKEN, authorizer: PAYER, nonce: NONCE, signature: SIGNATURE })
    const abi = parseAbi(['function cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)'])
    expect(call).toMatchObject({ chainId: 84532, to: TOKEN })
    expect(decodeFunctionData({ abi, data: call.data }).args).toEqual([PAYER, NONCE, 28, `0x${'11'.repeat(32)}`, `0x${'22'.repeat(32)}`])
  })

  it.each(['0x', `${SIGNATURE}00`, SIGNATURE.slice(0, -2), `${SIGNATURE.slice(0, -2)}1d`])(
    'makes none of a signature that is none: %s',
    (signature) => {
      expect(() => cancelCall({ network: 'eip155:84532', token: TOKEN, authorizer: PAYER, nonce: NONCE, signature })).toThrow(
        'not canonical',
      )
    },
  )

  it('knows networks by their CAIP-2 names only', () => {
    expect(chainIdOf('eip155:8453')).toBe(8453)
    for (const name of ['solana:mainnet', 'eip155:', 'eip155:0', 'eip155:1e3', 'base']) expect(() => chainIdOf(name)).toThrow('EVM')
  })

  it('asks with values that are hex only', () => {
    expect(() => stateCall({ payer: 'nobody', nonce: NONCE })).toThrow('hex')
    expect(() => balanceCall('0xzz')).toThrow('hex')
  })
})
