"""Certificates, keys and SSH."""

OPENSSL_CIPHERS = "HIGH:-DES:-3DES:-EXPORT:-DH"
RSA_KEY_BITS = 2048
X509_CERT_CN = "ganeti.example.com"
X509_CERT_DEFAULT_VALIDITY = 365 * 5
"""Days."""
SSL_CERT_EXPIRATION_WARN = 30
SSL_CERT_EXPIRATION_ERROR = 7
# What a node is asked for by node_crypto_tokens: [[type, action, options], ...]
CRYPTO_TYPE_SSL_DIGEST = "ssl"
CRYPTO_TYPE_SSH = "ssh"
CRYPTO_ACTION_GET = "get"
CRYPTO_ACTION_CREATE = "create"
#: Ours: make the next certificate beside the one in use, and use it
CRYPTO_ACTION_PREPARE = "prepare"
CRYPTO_ACTION_ADOPT = "adopt"
CRYPTO_OPTION_SERIAL_NO = "serial_no"

SSHK_RSA = "rsa"
SSHK_DSA = "dsa"
SSHK_ECDSA = "ecdsa"
SSHK_ALL = frozenset([SSHK_RSA, SSHK_DSA, SSHK_ECDSA])
SSH_DEFAULT_KEY_TYPE = SSHK_RSA
SSH_DEFAULT_KEY_BITS = 2048
SSH_LOGIN_USER = "root"
SSHS_ADD = "add"
SSHS_CLEAR = "clear"
SSHS_OVERRIDE = "override"
SSHS_REMOVE = "remove"
SSHS_REPLACE_OR_ADD = "replace_or_add"
SSHS_MAX_RETRIES = 3
