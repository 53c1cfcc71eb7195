/** Spend permissions on the test chain: a stand-in for Coinbase's manager at its address, and who uses it. */
import { encodeFunctionData, erc20Abi, type Hex, maxUint256, parseAbi } from 'viem'
import { SPEND_PERMISSION_MANAGER } from '../../src/chain/spend-permission.ts'
import type { SpendPermission } from '../../src/outer-ceilings.ts'
import { type Chain, NETWORK, USDC } from './chain.ts'
import { callAs } from './channel-reader.ts'
import { compileContracts } from './contracts.ts'

const PERMISSION =
  'struct SpendPermission { address account; address spender; address token; uint160 allowance; uint48 period; uint48 start; uint48 end; uint256 salt; bytes extraData; }'
const abi = parseAbi([
  PERMISSION,
  'function approve(SpendPermission permission) returns (bool)',
  'function revoke(SpendPermission permission)',
  'function spend(SpendPermission permission, uint160 value)',
])

export async function placeSpendPermissions(chain: Pick<Chain, 'place'>): Promise<void> {
  await chain.place(SPEND_PERMISSION_MANAGER, (await compileContracts()).spendPermissions)
}

export const DAY_S = 86_400

/** One from the chain's present time on: 50 USDC a day, for ten and a half days. */
export async function makePermission(
  chain: Pick<Chain, 'client'>,
  parties: { readonly account: Hex; readonly spender: Hex },
): Promise<SpendPermission> {
  const start = Number((await chain.client.getBlock()).timestamp)
  return {
    ...parties,
    ...{ network: NETWORK, token: USDC, allowance: 50_000_000n, period: DAY_S },
    ...{ start, end: start + 10.5 * DAY_S, salt: 2n ** 255n + 7n, extraData: '0x0102' },
  }
}

/** The account approves it, and lets the manager take its tokens, as Coinbase's wallets do by calls of their own. */
export async function approvePermission(chain: Chain, permission: SpendPermission): Promise<boolean> {
  const { account, token } = permission
  const data = encodeFunctionData({ abi: erc20Abi, functionName: 'approve', args: [SPEND_PERMISSION_MANAGER, maxUint256] })
  await callAs(chain, account, { to: token, data })
  return callAs(chain, account, {
    to: SPEND_PERMISSION_MANAGER,
    data: encodeFunctionData({ abi, functionName: 'approve', args: [permission] }),
  })
}

export function revokePermission(chain: Chain, permission: SpendPermission): Promise<boolean> {
  const data = encodeFunctionData({ abi, functionName: 'revoke', args: [permission] })
  return callAs(chain, permission.account, { to: SPEND_PERMISSION_MANAGER, data })
}

/** @returns whether the chain let it. */
export function spendPermitted(chain: Chain, permission: SpendPermission, atomic: bigint): Promise<boolean> {
  const data = encodeFunctionData({ abi, functionName: 'spend', args: [permission, atomic] })
  return callAs(chain, permission.spender, { to: SPEND_PERMISSION_MANAGER, data })
}
