# fish completion for rotom. A command is a word of the first list and a paragraph below.

set -g __rotom_commands \
    login logout accounts use serve launch env status models batches refresh config key daemon doctor update completion help
set -g __rotom_providers openai codex chatgpt grok xai
set -g __rotom_settings \
    auth_file bind api_key api_key_file provider model_fallback model_small model_aliases endpoints \
    endpoint_models websocket strict allow_host allow_origin max_body max_connections head_timeout body_timeout \
    keepalive_timeout send_timeout connect_timeout first_byte_timeout idle_timeout upstream_transport \
    ping_interval provider_concurrency batch_concurrency batch_reserve answers_bytes answers_count answers_age \
    grace idle_exit log_format log_level key_source key_file ca_file openai_base_url openai_issuer openai_originator \
    openai_user_agent openai_client_version grok_base_url grok_proxy_url grok_origin grok_issuer grok_referrer \
    grok_plan grok_user_agent grok_client_version grok_token_auth chatgpt_base_url chatgpt_issuer

# Whether the command is this one.
function __rotom_in
    set -l words (__rotom_words)
    test "$words[1]" = $argv[1]
end

# Whether the words so far are exactly these, options left out: what comes next has this place.
function __rotom_at
    set -l words (__rotom_words)
    test "$words" = "$argv"
end

# The words so far, without options and their values.
function __rotom_words
    set -l words (commandline -opc)[2..-1]
    set -l skip no
    for word in $words
        switch $word
            case --
                echo -- -- # what follows is for another program
            case '--*=*'
            case --api-key
                # login's takes no value
                contains -- login $words; or set skip yes
            case --account --allow-host --allow-origin --api-key-file --auth-file --base-url --bind --effort --grace --idle-exit --import --interval --lines -n --log-format --log-level --max-body --model --model-fallback --model-small --provider --shell --small-model
                set skip yes
            case '-*'
            case '*'
                test $skip = yes; or echo -- $word
                set skip no
        end
    end
end

complete -c rotom -f
complete -c rotom -s h -l help -d 'show help'
complete -c rotom -n __rotom_at -s V -l version -d 'show the version'
complete -c rotom -n __rotom_at -a login -d 'log in to a provider'
complete -c rotom -n '__rotom_in login' -l provider -x -a '$__rotom_providers' -d 'the provider'
complete -c rotom -n '__rotom_in login' -l account -x -d 'a further account of the provider'
complete -c rotom -n '__rotom_in login' -l api-key -d 'put in the key of an endpoint of yours'
complete -c rotom -n '__rotom_in login' -l base-url -x -d 'where the endpoint is'
complete -c rotom -n '__rotom_in login' -l device -d 'log in with a code, typed on another device'
complete -c rotom -n '__rotom_in login' -l no-browser -d 'do not open a browser'
complete -c rotom -n '__rotom_in login' -l import -r -F -d 'take over the login in this file'
complete -c rotom -n '__rotom_in login' -l take-over -d 'take over a file of the Rust program of the same name'
complete -c rotom -n '__rotom_in login' -l auth-file -r -F -d 'the credentials file'

complete -c rotom -n __rotom_at -a logout -d 'revoke a login and remove it'
complete -c rotom -n '__rotom_in logout' -l provider -x -a '$__rotom_providers' -d 'the provider'
complete -c rotom -n '__rotom_in logout' -l account -x -d 'the account'
complete -c rotom -n '__rotom_in logout' -l all -d 'every login, or every account of the provider'
complete -c rotom -n '__rotom_in logout' -l auth-file -r -F -d 'the credentials file'

complete -c rotom -n __rotom_at -a accounts -d 'list the accounts that are logged in'
complete -c rotom -n '__rotom_in accounts' -l provider -x -a '$__rotom_providers' -d 'this provider only'
complete -c rotom -n '__rotom_in accounts' -l json -d 'print one JSON object'
complete -c rotom -n '__rotom_in accounts' -l auth-file -r -F -d 'the credentials file'

complete -c rotom -n __rotom_at -a use -d 'put another account of a provider in use'
complete -c rotom -n '__rotom_at use' -a '$__rotom_providers'
complete -c rotom -n '__rotom_in use' -l move -d 'running conversations go with it, too'
complete -c rotom -n '__rotom_in use' -l auth-file -r -F -d 'the credentials file'

complete -c rotom -n __rotom_at -a serve -d 'serve the logged-in providers on this machine'
complete -c rotom -n '__rotom_in serve' -l bind -x -d 'where to listen, such as 127.0.0.1:14550'
complete -c rotom -n '__rotom_in serve' -l api-key -x -d 'the key that clients must send (visible to others)'
complete -c rotom -n '__rotom_in serve' -l api-key-file -r -F -d 'a file with that key'
complete -c rotom -n '__rotom_in serve' -l provider -x -a '$__rotom_providers' -d 'serve this provider only'
complete -c rotom -n '__rotom_in serve' -l model-fallback -x -d 'the model for names that only Anthropic hosts'
complete -c rotom -n '__rotom_in serve' -l model-small -x -d 'the model for those that stand for a small one'
complete -c rotom -n '__rotom_in serve' -l strict -d 'refuse requests with fields that the provider cannot honour'
complete -c rotom -n '__rotom_in serve' -l auth-file -r -F -d 'the credentials file'
complete -c rotom -n '__rotom_in serve' -l allow-host -x -d 'further names by which clients may call this server'
complete -c rotom -n '__rotom_in serve' -l allow-origin -x -d 'web origins that may call it from a browser'
complete -c rotom -n '__rotom_in serve' -l max-body -x -d 'the longest request, such as 64M'
complete -c rotom -n '__rotom_in serve' -l grace -x -d 'how long running answers may go on after a request to stop'
complete -c rotom -n '__rotom_in serve' -l idle-exit -x -d 'end after so long without clients, where sockets are held'
complete -c rotom -n '__rotom_in serve' -l log-format -x -a 'text json' -d 'the form of log lines'
complete -c rotom -n '__rotom_in serve' -l log-level -x -a 'debug info notice warning error' -d 'the least important lines logged'
complete -c rotom -n '__rotom_in serve' -l demo -d 'serve a built-in stand-in for the providers'
complete -c rotom -n '__rotom_in serve' -l list -d 'list the scenarios of --demo'

complete -c rotom -n __rotom_at -a launch -d 'start a client with everything set'
complete -c rotom -n '__rotom_at launch' -a 'claude codex openai anthropic'
complete -c rotom -n '__rotom_in launch' -l demo -d 'with the built-in stand-in for the providers'
complete -c rotom -n '__rotom_in launch' -l model -x -d 'this model, for everything'
complete -c rotom -n '__rotom_in launch' -l small-model -x -d 'the model for small tasks'
complete -c rotom -n '__rotom_in launch' -l effort -x -a 'low medium high xhigh max' -d 'how hard the model thinks'
complete -c rotom -n '__rotom_in launch' -l print -d 'show what would be run, and run nothing'
complete -c rotom -n '__rotom_in launch' -l list -d 'list the clients, and which are installed'
complete -c rotom -n '__rotom_in launch' -l auth-file -r -F -d 'the credentials file'

complete -c rotom -n __rotom_at -a env -d 'print what a client needs, for a shell'
complete -c rotom -n '__rotom_at env' -a 'claude codex openai anthropic'
complete -c rotom -n '__rotom_in env' -l shell -x -a 'sh bash zsh dash ksh fish powershell' -d 'for this shell'
complete -c rotom -n '__rotom_in env' -l unset -d 'print what takes it all back'
complete -c rotom -n '__rotom_in env' -l json -d 'print one JSON object instead'
complete -c rotom -n '__rotom_in env' -l model -x -d 'this model'
complete -c rotom -n '__rotom_in env' -l small-model -x -d 'the model for small tasks'
complete -c rotom -n '__rotom_in env' -l effort -x -a 'low medium high xhigh max' -d 'how hard the model thinks'
complete -c rotom -n '__rotom_in env' -l key -d 'print the local key, and nothing else'
complete -c rotom -n '__rotom_in env' -l auth-file -r -F -d 'the credentials file'

complete -c rotom -n __rotom_at -a status -d 'show logins, token life and rate limits'
complete -c rotom -n '__rotom_in status' -l json -d 'print the document that GET /v1/status answers'
complete -c rotom -n '__rotom_in status' -l watch -d 'show it again and again'
complete -c rotom -n '__rotom_in status' -l interval -x -d 'how often, in seconds'
complete -c rotom -n '__rotom_in status' -l provider -x -a '$__rotom_providers' -d 'this provider only'
complete -c rotom -n '__rotom_in status' -l auth-file -r -F -d 'the credentials file'

complete -c rotom -n __rotom_at -a models -d 'list the models'
complete -c rotom -n '__rotom_in models' -l provider -x -a '$__rotom_providers' -d 'this provider only'
complete -c rotom -n '__rotom_in models' -l all -d 'hidden models too'
complete -c rotom -n '__rotom_in models' -l json -d 'print one JSON object'
complete -c rotom -n '__rotom_in models' -l auth-file -r -F -d 'the credentials file'

complete -c rotom -n __rotom_at -a batches -d 'list message batches and how far they are'
complete -c rotom -n '__rotom_at batches' -a 'cancel'
complete -c rotom -n '__rotom_in batches' -l json -d 'print one JSON object'

complete -c rotom -n __rotom_at -a refresh -d 'renew the tokens now'
complete -c rotom -n '__rotom_in refresh' -l provider -x -a '$__rotom_providers' -d 'this provider only'
complete -c rotom -n '__rotom_in refresh' -l account -x -d 'this account only'
complete -c rotom -n '__rotom_in refresh' -l json -d 'print what came of each login'
complete -c rotom -n '__rotom_in refresh' -l auth-file -r -F -d 'the credentials file'

complete -c rotom -n __rotom_at -a config -d 'show and change the configuration'
complete -c rotom -n '__rotom_at config' -a 'show set reset'
complete -c rotom -n '__rotom_at config set; or __rotom_at config reset' -a '$__rotom_settings'
complete -c rotom -n '__rotom_in config' -l json -d 'print one JSON object'
complete -c rotom -n '__rotom_in config' -l take-over -d 'take over a file of the Rust program of the same name'

complete -c rotom -n __rotom_at -a key -d 'manage the key that encrypts the credentials'
complete -c rotom -n '__rotom_at key' -a 'show-source rotate set-passphrase remove-passphrase'
complete -c rotom -n '__rotom_in key' -l auth-file -r -F -d 'the credentials file'

complete -c rotom -n __rotom_at -a daemon -d 'have rotom run as a service'
complete -c rotom -n '__rotom_at daemon' -a 'install reinstall start stop restart reload status logs uninstall'
complete -c rotom -n '__rotom_in daemon' -l no-socket -d 'do not hold the address open while the service restarts'
complete -c rotom -n '__rotom_in daemon' -l no-sandbox -d 'do without the sandbox that needs user namespaces'
complete -c rotom -n '__rotom_in daemon' -l bind -x -d 'where to listen'
complete -c rotom -n '__rotom_in daemon' -l api-key -x -d 'the key that clients must send; - reads it from standard input'
complete -c rotom -n '__rotom_in daemon' -l api-key-file -r -F -d 'a file with that key'
complete -c rotom -n '__rotom_in daemon' -l provider -x -a '$__rotom_providers' -d 'serve this provider only'
complete -c rotom -n '__rotom_in daemon' -l model-fallback -x -d 'the model for names that only Anthropic hosts'
complete -c rotom -n '__rotom_in daemon' -l model-small -x -d 'the model for those that stand for a small one'
complete -c rotom -n '__rotom_in daemon' -l strict -d 'refuse requests with fields that the provider cannot honour'
complete -c rotom -n '__rotom_in daemon' -l auth-file -r -F -d 'the credentials file'
complete -c rotom -n '__rotom_in daemon' -l allow-host -x -d 'further names by which clients may call this server'
complete -c rotom -n '__rotom_in daemon' -l allow-origin -x -d 'web origins that may call it from a browser'
complete -c rotom -n '__rotom_in daemon' -l max-body -x -d 'the longest request, such as 64M'
complete -c rotom -n '__rotom_in daemon' -l grace -x -d 'how long running answers may go on after a request to stop'
complete -c rotom -n '__rotom_in daemon' -l idle-exit -x -d 'end after so long without clients, where sockets are held'
complete -c rotom -n '__rotom_in daemon' -l log-format -x -a 'text json' -d 'the form of log lines'
complete -c rotom -n '__rotom_in daemon' -l log-level -x -a 'debug info notice warning error' -d 'the least important lines logged'
complete -c rotom -n '__rotom_in daemon' -l json -d 'print one JSON object (status)'
complete -c rotom -n '__rotom_in daemon' -s f -l follow -d 'go on with what comes (logs)'
complete -c rotom -n '__rotom_in daemon' -s n -l lines -x -d 'how many lines (logs)'

complete -c rotom -n __rotom_at -a doctor -d 'look at everything that rotom needs, and say what to do'
complete -c rotom -n '__rotom_in doctor' -l contract -d 'hold what rotom assumes of the providers against them'
complete -c rotom -n '__rotom_in doctor' -l yes -d 'do not ask before something costs a little of a limit'
complete -c rotom -n '__rotom_in doctor' -l json -d 'print one JSON object, and ask nothing'
complete -c rotom -n '__rotom_in doctor' -l provider -x -a '$__rotom_providers' -d 'this provider only'
complete -c rotom -n '__rotom_in doctor' -l auth-file -r -F -d 'the credentials file'

complete -c rotom -n __rotom_at -a update -d 'bring rotom to its newest version'
complete -c rotom -n '__rotom_in update' -l check -d 'only tell whether there is a newer version'
complete -c rotom -n '__rotom_in update' -l restart -d 'restart the service afterwards'
complete -c rotom -n '__rotom_in update' -l json -d 'print one JSON object'

complete -c rotom -n __rotom_at -a completion -d 'print completions for bash, zsh or fish'
complete -c rotom -n '__rotom_at completion' -a 'bash zsh fish'

complete -c rotom -n __rotom_at -a help -d 'open the manual'
complete -c rotom -n '__rotom_at help' -a "config api $__rotom_commands"
complete -c rotom -n '__rotom_in help' -l text -d 'print it as plain text'
