/** Whose allowances, and which spend permissions, are read and shown as outer ceilings. Nothing is decided by them. */
import { z } from 'zod'
import { MAX_EXTRA_DATA_BYTES, MAX_SPEND_PERMISSIONS, MAX_SPENDERS } from '../ceiling-limits.ts'
import type { SpendPermission } from '../outer-ceilings.ts'
import { evmAddress, network, section, wanted } from '../session/values.ts'

const UINT48_MAX = 2 ** 48 - 1
/** ERC-7528 names a network's own coin so; nothing is paid in it here. */
const COIN = `0x${'e'.repeat(40)}`
const NO_WHOLE_NUMBER = 'write a whole number, in quotes where it is long'

/** A whole number of at most so many bits: digits, 0x and hex, or a number that YAML reads exactly. */
function unsigned(bits: bigint) {
  return z
    .union([z.string(), z.number()], { error: wanted(NO_WHOLE_NUMBER) })
    .transform((written, context): bigint => {
      const exact = typeof written === 'string' ? /^([0-9]{1,78}|0x[0-9a-fA-F]{1,64})$/.test(written) : Number.isSafeInteger(written)
      const value = exact ? BigInt(written) : -1n
      if (value >= 0n && value < 2n ** bits) return value
      context.addIssue(exact && value >= 0n ? `at most ${bits} bits` : NO_WHOLE_NUMBER)
      return z.NEVER
    })
    .meta({ description: `A whole number of at most ${bits} bits, in digits or as 0x and hex.` })
}

const time = z
  .int({ error: wanted('write a whole number of seconds') })
  .min(0, { error: 'not before 1970' })
  .max(UINT48_MAX, { error: 'at most 48 bits' })
  .meta({ description: 'Seconds since 1970.' })

const permission = section({
  network: network.refine((id) => id.startsWith('eip155:'), { error: 'spend permissions are on EVM networks' }),
  account: evmAddress,
  spender: evmAddress,
  token: evmAddress.refine((token) => token.toLowerCase() !== COIN, { error: 'nothing is paid in a network’s own coin: name a token' }),
  allowance: unsigned(160n).refine((atomic) => atomic > 0n, { error: 'must be more than nothing' }),
  period: time.refine((seconds) => seconds > 0, { error: 'must be longer than nothing' }).meta({ description: 'In seconds.' }),
  start: time,
  end: time,
  salt: unsigned(256n).prefault('0'),
  extraData: z
    .string({ error: wanted('write 0x and hex digits') })
    .regex(/^0x([0-9a-fA-F]{2})*$/, { error: 'write 0x and hex digits' })
    .refine((hex) => hex.length <= 2 + 2 * MAX_EXTRA_DATA_BYTES, { error: `at most ${MAX_EXTRA_DATA_BYTES} bytes` })
    .transform((hex): `0x${string}` => `0x${hex.slice(2)}`)
    .prefault('0x'),
}).refine(({ start, end }) => start < end, { path: ['end'], error: 'must be after start' })

/** The same for a wallet of every kind. */
export const outerCeilingsShape = {
  spenders: z
    .array(evmAddress, { error: wanted('write a list of addresses') })
    .max(MAX_SPENDERS, { error: `at most ${MAX_SPENDERS} spenders` })
    .exactOptional()
    .meta({ description: 'Contracts whose allowances are shown beside that of Permit2.' }),
  spendPermissions: z
    .array(permission, { error: wanted('write a list') })
    .max(MAX_SPEND_PERMISSIONS, { error: `at most ${MAX_SPEND_PERMISSIONS} spend permissions` })
    .exactOptional()
    .meta({ description: 'Permissions of Coinbase’s SpendPermissionManager whose state is shown, each as it was signed.' }),
}

/** Of a wallet's section. */
export interface OuterCeilingsConfig {
  readonly spenders?: readonly `0x${string}`[]
  readonly spendPermissions?: readonly SpendPermission[]
}

/** Those that no configured network can tell about: by their place in the list, with what to do. */
export function unreachablePermissions(
  { spendPermissions = [] }: OuterCeilingsConfig,
  networks: readonly { readonly id: string; readonly rpc?: string }[],
): [place: number, message: string][] {
  return spendPermissions.flatMap(({ network: id }, place): [number, string][] => {
    const found = networks.find((one) => one.id === id)
    if (!found) return [[place, `${id} is not among networks`]]
    return found.rpc === undefined ? [[place, `${id} has no rpc, which its permissions are read by`]] : []
  })
}
