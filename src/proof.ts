/** What runs beside the requests, from the start to the end: recovery, proof from the chain, clocks, checkpoints. */
import { type Checkpointing, createCheckpointing } from './audit/checkpointing.ts'
import { cancelCall } from './chain/eip3009.ts'
import type { House } from './house.ts'
import { type Cancel, createCancel } from './payment/cancel.ts'
import type { AskOut } from './payment/channels/ask-back.ts'
import { createClockGuard } from './payment/clock-guard.ts'
import type { PaymentDeps } from './payment/deps.ts'
import { createReconcile, type Reconcile } from './payment/reconcile.ts'
import { createRecovery } from './payment/recover.ts'
import type { WatchedWallet } from './payment/refunds.ts'
import { createSessionWallets } from './payment/session-wallets.ts'
import { createRegistry, isSolana } from './rails/x402/assets.ts'
import { channelWalletOf } from './wallet/wallet.ts'

export interface Proof extends Pick<PaymentDeps, 'clockBar' | 'settleNow'> {
  readonly checkpointing: Checkpointing
  readonly reconcile: Reconcile
  readonly cancel: Cancel
  /** Why payments cannot be made now, as far as clocks go. */
  clockReasons(): readonly string[]
}

export interface ProofOptions {
  /** False for a worker: what is open is looked into by its primary, for all of them. */
  readonly beside: boolean
}

/** Starts it all; `started` stops it, before the ledger is closed. */
export async function startProof(house: House, { beside }: ProofOptions, started: AsyncDisposableStack): Promise<Proof> {
  const { ledger, chain, clock, wallet, gasWallet, assets, networks, signer, telemetry } = house
  const { events } = telemetry
  const places = placesOf(house)
  const wallets = await watchedWallets(wallet, places)
  const ofSessions = (wallet.ofSession ?? wallet.payers) && {
    sessionWallets: createSessionWallets({ ledger: house.records, wallet, places }),
  }
  const recovery = createRecovery({ ledger, chain, clock, events, wallets, ...ofSessions })
  const clockGuard = createClockGuard({ chain, clock, events })
  const checkpointing = createCheckpointing({ ledger, signer, events })
  for (const loop of beside ? [checkpointing, clockGuard, recovery] : [clockGuard]) {
    loop.start()
    started.defer(() => loop.stop())
  }
  return {
    checkpointing,
    reconcile: createReconcile({ recovery, ledger: house.records, chain, events, wallets, ...ofSessions }),
    cancel: createCancel({ ledger, wallet, assets, clock, callOf: cancelCall, ...(gasWallet && { gasWallet }) }),
    clockBar: (network) => clockGuard.bar(network),
    settleNow: (payment) => recovery.settleNow(payment),
    clockReasons: () => networks.flatMap((network) => clockGuard.bar(network)?.detail ?? []),
  }
}

/**
 * What is left in the channels of sessions that have ended comes back, whether new ones are allowed or not. A wallet that
 * cannot sign for channels has none.
 */
export async function startClosing(house: House, ask: AskOut, started: AsyncDisposableStack): Promise<void> {
  const { ledger, escrows, clock, assets, networks, telemetry } = house
  const wallet = channelWalletOf(house.wallet)
  if (!wallet || escrows.networks.length === 0) return
  const [{ createClosing }, { createClosingMemory }] = await Promise.all([
    import('./payment/channels/closing.ts'),
    import('./payment/channels/patience.ts'),
  ])
  const registry = createRegistry({ assets, networks })
  const deps = { ledger, escrows, wallet, clock, ask, registry, events: telemetry.events, memory: createClosingMemory() }
  const closing = createClosing(deps)
  closing.start()
  started.defer(() => closing.stop())
}

type Place = Pick<WatchedWallet, 'network' | 'tokens'>

/** What comes back on Solana, and what nobody recorded there, is not looked for. */
function placesOf({ chain, assets }: Pick<House, 'chain' | 'assets'>): Place[] {
  return chain.networks
    .filter((network) => !isSolana(network))
    .map((network) => ({
      network,
      tokens: assets.filter((asset) => asset.network === network).map((asset) => asset.address),
    }))
}

async function watchedWallets(wallet: House['wallet'], places: readonly Place[]): Promise<WatchedWallet[]> {
  const payers = (await wallet.payers?.(null)) ?? [await wallet.address(null)]
  return payers.flatMap((payer) => places.map((place) => ({ ...place, wallet: payer })))
}
