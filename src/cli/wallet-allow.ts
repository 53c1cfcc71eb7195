/** `purser wallet allow`: how much of a token Permit2 may take from the paying wallet, shown, or set by a transaction of its own. */
import type { Command } from 'commander'
import { AmountError, type Asset, formatAtomic, parseAmount } from '../money.ts'
import { resolveNetwork } from '../session/networks.ts'
import { CliFailure } from './failure.ts'
import { amountFlag, type CommonFlags, command } from './options.ts'
import { readSettings, type Settings } from './settings.ts'
import { printJson, type Terminal } from './terminal.ts'

interface AllowFlags extends CommonFlags {
  readonly network: string
  readonly asset: string
  readonly amount?: string
  readonly show?: true
}

export function allowCommand(terminal: Terminal): Command {
  return command('allow', 'lets Permit2 take up to this much of a token from the wallet (payments by permit2 and upto need it)')
    .requiredOption('--network <id>', 'the network, e.g. eip155:84532 or base-sepolia')
    .requiredOption('--asset <symbol>', 'the token, by symbol or address')
    .option('--amount <amount>', 'whole tokens, such as 5 or 0.25; 0 takes it back. In the place of what was allowed before', amountFlag)
    .option('--show', 'only say what is allowed')
    .action((flags: AllowFlags) => allow(flags, terminal))
}

async function allow(flags: AllowFlags, terminal: Terminal): Promise<void> {
  if ((flags.amount === undefined) === (flags.show === undefined)) throw new CliFailure('Give --amount, or --show to change nothing.')
  const settings = await readSettings(flags, terminal)
  const { payableAssets, openWayOut, openAllowing } = await import('../way-out.ts')
  const asset = assetOf(flags, settings, payableAssets(settings.config))
  const amountAtomic = flags.amount === undefined ? undefined : atomicOf(flags.amount, asset)
  await using way = await openWayOut(settings.config, terminal.env)
  const allowing = await openAllowing(settings.config, { env: terminal.env, fetch: way.fetch, signal: terminal.stop })
  const place = { network: asset.network, token: asset.address }
  const transaction = amountAtomic === undefined ? null : await sent(() => allowing.allow({ ...place, amountAtomic }))
  const allowed = await sent(() => allowing.allowed(place))
  const said = `${formatAtomic(allowed, asset.decimals)} ${asset.symbol}`
  if (flags.json) {
    const { network, symbol } = asset
    return printJson(terminal, { address: allowing.address, network, asset: symbol, allowedAtomic: allowed.toString(), transaction })
  }
  terminal.out.line(
    `Permit2 may take ${said} on ${asset.network} from ${allowing.address}.${transaction === null ? '' : ` Transaction ${transaction}.`}`,
  )
}

/** @throws CliFailure unless the flags name one token of a configured network */
export function assetOf(
  { network, asset: named }: Pick<AllowFlags, 'network' | 'asset'>,
  { config }: Pick<Settings, 'config'>,
  assets: readonly Asset[],
): Asset {
  const id = config.networks.find((one) => one.id === (resolveNetwork(network) ?? network))?.id
  if (id === undefined) {
    const known = config.networks.map((one) => one.id).join(', ') || 'none'
    throw new CliFailure(`There is no network ${network} in the configuration; there are: ${known}.`)
  }
  const found = assets.filter(
    (asset) => asset.network === id && (asset.symbol === named || asset.address.toLowerCase() === named.toLowerCase()),
  )
  // A configured asset stands for the known one of its address.
  const [asset, ...others] = [...new Map(found.map((one) => [one.address.toLowerCase(), one])).values()]
  if (asset && others.length === 0) return asset
  throw new CliFailure(
    asset ? `Several tokens on ${id} are called ${named}; name one by its address.` : `There is no token ${named} on ${id}.`,
  )
}

/** @throws CliFailure for more decimals than the token has */
export function atomicOf(amount: string, { decimals, symbol }: Asset): bigint {
  const millionths = parseAmount(amount)
  const scaled = millionths * 10n ** BigInt(decimals)
  if (scaled % 1_000_000n !== 0n) throw new CliFailure(new AmountError(`${symbol} has ${decimals} decimals`).message)
  return scaled / 1_000_000n
}

async function sent<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (cause) {
    if (!(cause instanceof Error) || cause.name !== 'RpcError') throw cause
    throw new CliFailure(`${cause.message} The wallet itself pays the gas of this transaction.`, { cause })
  }
}
