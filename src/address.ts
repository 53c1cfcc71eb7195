/** Addresses of all chains, as far as they are compared. */

/** One spelling for each address: letter case says nothing in hex, and everything in base 58 (Solana). */
export function uniformAddress(address: string): string {
  return /^0x/i.test(address) ? address.toLowerCase() : address
}
