/**
 * Recorded histories: what several clients did to one session's budget at the same time, and what they were told. An
 * operation takes effect once, at some moment between its call and its return; whether there is an order of such moments
 * that a budget would have answered in just this way is what the checker looks for.
 */

export type Input =
  | { readonly do: 'reserve'; readonly id: string; readonly amount: bigint }
  | { readonly do: 'sign' | 'post' | 'void'; readonly id: string }
  | { readonly do: 'topUp'; readonly amount: bigint }
  | { readonly do: 'close' }
  | { readonly do: 'balance' }

/** `done` and `refused` are what the caller was told; a balance is what it saw. */
export type Output =
  | { readonly kind: 'done' | 'refused' }
  | { readonly kind: 'balance'; readonly cap: bigint; readonly spent: bigint; readonly held: bigint; readonly open: boolean }

export interface Operation {
  readonly client: number
  readonly input: Input
  /** Undefined where no answer came: then it took effect once, or never. */
  readonly output: Output | undefined
  /** Places in one order of all calls and returns. */
  readonly called: number
  readonly returned: number
}

/** One line for people. */
export function describe({ client, input, output, called, returned }: Operation): string {
  const show = (value: object) => JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? `${member}` : member))
  return `client ${client} [${called}, ${returned}] ${show(input)} -> ${output ? show(output) : 'no answer'}`
}
