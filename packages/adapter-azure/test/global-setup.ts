import { serversFor } from '@holdfast/test-servers'

export default serversFor(['azurite'])
