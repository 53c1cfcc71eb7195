/** How many histories are recorded, and of what kind: PURSER_LINEAR=10000 for a release. */

export const HISTORIES = Number.parseInt(process.env.PURSER_LINEAR ?? '150', 10)

export const WORKLOAD = { cap: 1_200_000n, clients: 6, length: 8 } as const
