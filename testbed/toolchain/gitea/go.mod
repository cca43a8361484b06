module zot-hardening/toolchain/gitea

go 1.25.4

require code.gitea.io/gitea v1.25.2
