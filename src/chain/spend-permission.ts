/** Coinbase's SpendPermissionManager: the questions that are put to it, and its answers. By the published ABI of its source. */
import { encodeFunctionData, type Hex, parseAbi } from 'viem'
import type { PermissionState, SpendPermission } from '../outer-ceilings.ts'
import { RpcError } from './rpc.ts'

/** The same address on every chain that has it. */
export const SPEND_PERMISSION_MANAGER: Hex = '0xf85210B21cC50302F477BA56686d2019dC9b67Ad'

const abi = parseAbi([
  'struct SpendPermission { address account; address spender; address token; uint160 allowance; uint48 period; uint48 start; uint48 end; uint256 salt; bytes extraData; }',
  'struct PeriodSpend { uint48 start; uint48 end; uint160 spend; }',
  'function isApproved(SpendPermission spendPermission) view returns (bool)',
  'function isRevoked(SpendPermission spendPermission) view returns (bool)',
  'function getCurrentPeriod(SpendPermission spendPermission) view returns (PeriodSpend)',
])

/** Call data. `getCurrentPeriod` fails before the permission's start and from its end on. */
export function permissionCall(question: 'isApproved' | 'isRevoked' | 'getCurrentPeriod', permission: SpendPermission): Hex {
  const { account, spender, token } = permission
  const args = [{ ...permission, account: lower(account), spender: lower(spender), token: lower(token) }] as const
  return encodeFunctionData({ abi, functionName: question, args })
}

/** @throws RpcError for a word that is no yes and no no. */
export function yesOrNo(word: string): boolean {
  const value = BigInt(word)
  if (value > 1n) throw new RpcError('A server answered with something that is no yes or no.')
  return value === 1n
}

/** What the manager says of the period that runs. @throws RpcError for one that the permission cannot have at this time. */
export function readPeriod(
  words: string,
  { start, end, allowance }: SpendPermission,
  now_s: number,
): { readonly end_s: number; readonly spent: bigint } {
  const [begins = -1n, ends = -1n, spent = -1n] = (words.slice(2).match(/.{64}/g) ?? []).map((word) => BigInt(`0x${word}`))
  const now = BigInt(now_s)
  const fits = begins >= BigInt(start) && begins <= now && now < ends && ends <= BigInt(end) && spent >= 0n && spent <= allowance
  if (!fits || words.length !== 2 + 3 * 64) throw new RpcError('A server answered with a period that this permission cannot have.')
  return { end_s: Number(ends), spent }
}

/** Where no period can be asked for, what is known without: nothing may be taken. */
export function unusable(state: Exclude<PermissionState['state'], 'usable'>, nextPeriod_s: number | null = null): PermissionState {
  return { state, spent: 0n, left: 0n, nextPeriod_s }
}

/** Letters in any case are an address; the encoder takes mixed ones for a checksum. */
function lower(address: Hex): Hex {
  return `0x${address.slice(2).toLowerCase()}`
}
