/** What agents send. */
import { createHash } from 'node:crypto'

export const EMPTY_BODY = { digest: createHash('sha256').digest('hex'), bytes: 0, replayable: true, bound_bytes: 65_536 }
