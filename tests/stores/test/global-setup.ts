import { serversFor } from '@holdfast/test-servers'

export default serversFor(['minio', 's3proxy', 'fake-gcs-server', 'azurite'], { emulator: 'always' })
