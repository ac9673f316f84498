import { serversFor } from '@holdfast/test-servers'

export default serversFor(['minio', 's3proxy'], { emulator: 'always' })
