/**
 * A wallet that took over from others. The present one pays; those before it sign nothing but cancellations of what they
 * have open and the closing of their channels, and are remembered, so that their payments are proven and reconciled as before.
 */
import { inspect } from 'node:util'
import { PurserError, refused } from '../errors.ts'
import { type ChannelConfig, type ChannelWallet, channelWalletOf, type Hex, type Wallet } from './wallet.ts'

/** One that paid before: with its key, or only its address. What is left in its channels comes back to it. */
export type PreviousWallet = Pick<Wallet, 'address' | 'signCancel' | 'signVoucher' | 'signWithdrawal'>

/**
 * @param previous the latest first
 * @throws Error where two of them pay by default from the same address
 */
export async function createRotatedWallet(current: Wallet, previous: readonly PreviousWallet[]): Promise<Wallet> {
  const all = [current, ...previous]
  const addresses = await Promise.all(all.map((one) => one.address(null)))
  const twice = addresses.find((address, place) => addresses.indexOf(address) < place)
  if (twice) throw new Error(`wallet.previous: ${twice} is listed twice, or is the wallet that pays now`)
  const wallet: Wallet = {
    ...(current.ofSession && { ofSession: current.ofSession }),
    ...(current.forPayment && { forPayment: current.forPayment }),
    ...(current.readiness && { readiness: current.readiness }),
    ...channelsOf(current, all),
    ...(current.presigned && { presigned: current.presigned }),
    ...(current.signAllowance && { signAllowance: current.signAllowance }),
    address: (walletName) => current.address(walletName),
    signTransfer: (walletName, data) => current.signTransfer(walletName, data),
    signPermit: (walletName, data) => current.signPermit(walletName, data),
    signLogin: (walletName, data) => current.signLogin(walletName, data),
    async signCancel(walletName, data) {
      const owned = await Promise.all(all.map((one) => addressIn(one, walletName)))
      const signer = all[owned.indexOf(data.authorizer)] ?? current
      return signer.signCancel(walletName, data)
    },
    async payers(walletName) {
      const known = await Promise.all(all.map((one) => addressIn(one, walletName)))
      return known.filter((address) => address !== undefined)
    },
  }
  Object.defineProperty(wallet, inspect.custom, { value: () => `Wallet { ${addresses[0]} }` })
  return wallet
}

/** Deposits are the present wallet's; what was deposited before is brought back by the key that did. */
function channelsOf(current: Wallet, all: readonly PreviousWallet[]): Partial<Omit<ChannelWallet, 'address'>> {
  const present = channelWalletOf(current)
  if (!present) return {}
  const payerOf = async (walletName: string | null, { payer }: ChannelConfig) => {
    const owned = await Promise.all(all.map((one) => addressIn(one, walletName)))
    return all[owned.indexOf(payer)]
  }
  return {
    signDeposit: present.signDeposit,
    async signVoucher(walletName, data) {
      const owner = await payerOf(walletName, data.channel)
      return owner ? (owner.signVoucher ?? noKey)(walletName, data) : present.signVoucher(walletName, data)
    },
    async signWithdrawal(walletName, data) {
      const owner = await payerOf(walletName, data.channel)
      return owner ? (owner.signWithdrawal ?? noKey)(walletName, data) : present.signWithdrawal(walletName, data)
    },
  }
}

function noKey(_walletName: string | null, { channel }: { readonly channel: ChannelConfig }): Promise<never> {
  const detail = `The key of ${channel.payer} is not configured here, so nothing of its channels can be brought back. Nothing was signed.`
  return Promise.reject(refused('conflict', detail))
}

/** Remembered by its address alone: its key is elsewhere, or gone. */
export function watchedWallet(address: Hex): PreviousWallet {
  return {
    address: async (walletName) => {
      if (walletName === null || walletName === 'default') return address
      throw refused('not_found', `Only an address is known of this wallet, ${address}.`)
    },
    signCancel: () => {
      const detail = `The key of ${address} is not configured here any more, so nothing of it can be cancelled. Nothing was signed.`
      return Promise.reject(refused('conflict', detail))
    },
  }
}

/** Undefined where this wallet does not know the name: the others may. */
async function addressIn(wallet: PreviousWallet, walletName: string | null): Promise<Hex | undefined> {
  try {
    return await wallet.address(walletName)
  } catch (fault) {
    if (fault instanceof PurserError && fault.refusal.code === 'not_found') return undefined
    throw fault
  }
}
