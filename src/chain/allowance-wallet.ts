/**
 * The paying wallet as the sender of one kind of transaction: it lets Permit2 take so much of a token, in the place of
 * what it could take before. An operator asks for it; nothing else in this program does.
 */
import type { Pause } from '../clock.ts'
import { APPROVE_GAS, APPROVE_POLL_MS, APPROVE_POLLS } from '../permit2-limits.ts'
import { chainIdOf, checksummed } from './eip3009.ts'
import { createSender, type GasWalletOptions, type Sender } from './gas-wallet.ts'
import { approveCall } from './permit2.ts'
import { RpcError } from './rpc.ts'

export interface AllowanceWallet {
  readonly address: string
  /** The transaction's hash, when it is in a block. @throws RpcError where it is not taken, fails, or is in no block after a minute. */
  allow(allowed: { readonly network: string; readonly token: string; readonly amountAtomic: bigint }): Promise<string>
}

export interface AllowanceWalletOptions extends GasWalletOptions {
  readonly pause: Pause
  /** Gives up waiting. */
  readonly signal: AbortSignal
}

/** @throws Error where the key is no key; the message holds nothing of it. */
export function createAllowanceWallet({ pause, signal, ...options }: AllowanceWalletOptions): AllowanceWallet {
  const sender = createSender(options)
  return {
    address: sender.address,
    async allow({ network, token, amountAtomic }) {
      const call = { chainId: chainIdOf(network), to: checksummed(token), data: approveCall(amountAtomic) }
      const transaction = await sender.send({ network, call, gas: APPROVE_GAS })
      await untilDone(sender, { network, transaction, wait: () => pause(APPROVE_POLL_MS, signal) })
      return transaction
    },
  }
}

interface Awaited {
  readonly network: string
  readonly transaction: `0x${string}`
  readonly wait: () => Promise<unknown>
}

async function untilDone(sender: Sender, { network, transaction, wait }: Awaited): Promise<void> {
  for (let look = 0; look < APPROVE_POLLS; look++) {
    const succeeded = await sender.outcome(network, transaction)
    if (succeeded === true) return
    if (succeeded === false) throw new RpcError(`Transaction ${transaction} failed on ${network}; the allowance is as it was.`)
    await wait()
  }
  throw new RpcError(`Transaction ${transaction} is in no block of ${network} yet; look it up before you send another.`)
}
