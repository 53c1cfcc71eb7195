/** A channel of a fresh wallet, filled by a deposit that the wallet signs and anybody sends. */
import { encodeAbiParameters, encodeFunctionData, parseAbi, toHex } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import type { ChannelConfig } from '../../src/channel-digest.ts'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import { chainTime, submit } from './authorizations.ts'
import { type Chain, USDC } from './chain.ts'
import { DEPOSIT_COLLECTOR, ESCROW, WITHDRAW_DELAY_S } from './channels.ts'

const abi = parseAbi([
  'struct ChannelConfig { address payer; address payerAuthorizer; address receiver; address receiverAuthorizer; address token; uint40 withdrawDelay; bytes32 salt; }',
  'function deposit(ChannelConfig config, uint128 amount, address collector, bytes collectorData)',
])
const COLLECTOR_DATA = [{ type: 'uint256' }, { type: 'uint256' }, { type: 'uint256' }, { type: 'bytes' }] as const

/** @param amount atomic units, which are all that its wallet gets; 0n makes the channel and deposits nothing. */
export async function fillChannel(chain: Chain, amount: bigint, key = generatePrivateKey()): Promise<ChannelConfig> {
  const wallet = createLocalWallet({ key })
  const payer = await wallet.address(null)
  const receiver = privateKeyToAddress(generatePrivateKey())
  const salt = toHex(crypto.getRandomValues(new Uint8Array(32)))
  const parties = { payer, payerAuthorizer: payer, receiver, receiverAuthorizer: receiver }
  const channel: ChannelConfig = { ...parties, token: USDC, withdrawDelay: WITHDRAW_DELAY_S, salt }
  if (amount === 0n) return channel
  await chain.fund(payer, amount)
  const window = { validAfter: 0n, validBefore: BigInt((await chainTime(chain)) + 60) }
  const terms = { chainId: 84532, channel, eip712: { name: 'USDC', version: '2' }, amount, ...window, salt }
  const signature = await wallet.signDeposit(null, terms)
  const data = encodeAbiParameters(COLLECTOR_DATA, [window.validAfter, window.validBefore, BigInt(salt), signature])
  const call = encodeFunctionData({ abi, functionName: 'deposit', args: [channel, amount, DEPOSIT_COLLECTOR, data] })
  const { succeeded } = await submit(chain, { to: ESCROW, data: call })
  if (!succeeded) throw new Error('the escrow did not take the deposit')
  return channel
}
