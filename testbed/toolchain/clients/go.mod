module zot-hardening/toolchain/clients

go 1.25

require (
	github.com/google/go-containerregistry v0.22.1
	github.com/google/ko v0.19.1
	github.com/moby/buildkit v0.34.2
	github.com/regclient/regclient v0.11.7
	github.com/sigstore/cosign/v3 v3.1.3
	helm.sh/helm/v4 v4.3.2
	oras.land/oras v1.3.6
)
