import { serversFor } from '@holdfast/test-servers'

export default serversFor(['fake-gcs-server'], { emulator: 'always' })
