/** One of each typed operation, for the address that is given, and as another program would check it. */
import type {
  CancelAuthorization,
  ChannelConfig,
  ChannelDeposit,
  ChannelVoucher,
  Hex,
  Login,
  PermitTransfer,
  SponsoredAllowance,
  TransferAuthorization,
  WithdrawalTransaction,
} from '../../src/wallet/wallet.ts'

const DOMAIN = { name: 'USDC', version: '2', chainId: 84532, verifyingContract: '0x036CbD53842c5426634e7929541eC2318f3dCF7e' } as const
const PAY_TO = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'
const NONCE = `0x${'ab'.repeat(32)}` as const

export function transferOf(from: Hex, value = 10_000n): TransferAuthorization {
  return { domain: DOMAIN, from, to: PAY_TO, value, validAfter: 0n, validBefore: 1_800_000_000n, nonce: NONCE }
}

export function cancelOf(authorizer: Hex): CancelAuthorization {
  return { domain: DOMAIN, authorizer, nonce: NONCE }
}

export function permitOf(from: Hex): PermitTransfer {
  const token = DOMAIN.verifyingContract
  const witness = { to: PAY_TO, validAfter: 0n } as const
  return { chainId: 84532, token, from, amount: 10_000n, spender: PAY_TO, nonce: NONCE, deadline: 1_800_000_000n, witness }
}

export function allowanceOf(owner: Hex): SponsoredAllowance {
  const { name, version, chainId, verifyingContract: token } = DOMAIN
  return { chainId, token, eip712: { name, version }, owner, value: 10_000n, nonce: 3n, deadline: 1_800_000_000n }
}

export function loginOf(address: Hex): Login {
  const site = { domain: 'api.example.com', uri: 'https://api.example.com/login', chainId: 84532, nonce: 'abcdefgh12' }
  return { ...site, address, issuedAt: '2026-11-23T12:00:00.000Z' }
}

export function channelOf(payer: Hex): ChannelConfig {
  const parties = { payer, payerAuthorizer: payer, receiver: PAY_TO, receiverAuthorizer: PAY_TO } as const
  return { ...parties, token: DOMAIN.verifyingContract, withdrawDelay: 900, salt: NONCE }
}

export function depositOf(payer: Hex): ChannelDeposit {
  const window = { validAfter: 0n, validBefore: 1_800_000_000n }
  return { chainId: 84532, channel: channelOf(payer), eip712: { name: 'USDC', version: '2' }, amount: 50_000n, ...window, salt: NONCE }
}

export function voucherOf(payer: Hex): ChannelVoucher {
  return { chainId: 84532, channel: channelOf(payer), cumulative: 1_000n }
}

export function withdrawalOf(payer: Hex, amount: bigint | null = 49_000n): WithdrawalTransaction {
  return { chainId: 84532, channel: channelOf(payer), amount, nonce: 7, gas: 200_000n, gasPrice: 1_000_000_007n }
}

const address = (name: string) => ({ name, type: 'address' })
const uint = (name: string) => ({ name, type: 'uint256' })
const nonce = { name: 'nonce', type: 'bytes32' }
const TRANSFER = [address('from'), address('to'), uint('value'), uint('validAfter'), uint('validBefore'), nonce]

export function typedTransfer({ domain, ...message }: TransferAuthorization) {
  return { domain, types: { TransferWithAuthorization: TRANSFER }, primaryType: 'TransferWithAuthorization', message } as const
}

export function typedCancel({ domain, ...message }: CancelAuthorization) {
  return { domain, types: { CancelAuthorization: [address('authorizer'), nonce] }, primaryType: 'CancelAuthorization', message } as const
}
