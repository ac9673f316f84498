/** The buffer size in bytes. Reading, hashing and writing run at the same time, each on one buffer. */
export const chunkBytes = 2 ** 20
