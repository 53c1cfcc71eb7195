/** What the benchmarks' origin has, and how long the bodies are. */
export const BODY_BYTES = { small: 1024, large: 1024 * 1024 } as const

export type Size = keyof typeof BODY_BYTES

export const PATH_OF: Readonly<Record<Size, string>> = { small: '/data', large: '/large' }

/** It costs more than the tier of the benchmarks allows. */
export const COSTLY_PATH = '/costly'

/** It is sold by payment channel. */
export const CHANNEL_PATH = '/channel'
