/**
 * How long a test waits for what comes by itself. It goes on as soon as that has come, so that the bound only matters on a
 * machine that has much else to do: a second, as vitest has it, was seen to be too short there.
 */
import { vi } from 'vitest'

const PATIENCE_MS = 20_000
const { waitFor } = vi

vi.waitFor = (seen, options = PATIENCE_MS) => waitFor(seen, typeof options === 'number' ? options : { timeout: PATIENCE_MS, ...options })
