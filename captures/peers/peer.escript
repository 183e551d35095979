#!/usr/bin/env escript
%% SPDX-License-Identifier: GPL-2.0-or-later
%% A SIP-over-TLS server and client on Erlang's ssl, of one TLS 1.3 connection, with the options of openssl_peer.py.
%% --min, --max and --keylog are read past: it speaks TLS 1.3 only, and the other side logs the keys.

main([Role | Words]) ->
    {ok, _} = application:ensure_all_started(ssl),
    logger:set_primary_config(level, none),
    Options = options(Words),
    Result = case Role of
        "server" -> serve(Options);
        "client" -> call(Options)
    end,
    io:format("~0p~n", [Result]).

options(["--" ++ Name, Value | Rest]) -> maps:put(Name, Value, options(Rest));
options([]) -> #{}.

address(Text) ->
    [Host, Port] = string:split(Text, ":"),
    {ok, Address} = inet:parse_address(Host),
    {Address, list_to_integer(Port)}.

common(Options) ->
    Own = case Options of
        #{"cert" := Chain, "key" := Key} -> [{certfile, Chain}, {keyfile, Key}];
        _ -> []
    end,
    [binary, {active, false}, {versions, ['tlsv1.3']}, {cacertfile, maps:get("ca", Options)} | Own].

asking("no") -> [{verify, verify_none}];
asking("request") -> [{verify, verify_peer}, {fail_if_no_peer_cert, false}];
asking("require") -> [{verify, verify_peer}, {fail_if_no_peer_cert, true}].

serve(Options) ->
    {Address, Port} = address(maps:get("listen", Options)),
    {ok, Listener} = ssl:listen(Port, [{ip, Address}, {reuseaddr, true} | common(Options)]
                                      ++ asking(maps:get("ask", Options, "no"))),
    io:format("ready~n"),
    {ok, Raw} = ssl:transport_accept(Listener),
    case ssl:handshake(Raw, 30000) of
        {ok, Socket} -> answer(Socket);
        Failed -> Failed
    end.

answer(Socket) ->
    case read_message(Socket, <<>>) of
        {ok, Request} ->
            Lines = [[Line, "\r\n"] || Line <- string:split(Request, "\r\n", all), is_echoed(string:lowercase(Line))],
            ok = ssl:send(Socket, ["SIP/2.0 200 OK\r\n", Lines, "Content-Length: 0\r\n\r\n"]),
            answer(Socket);
        _ ->
            ssl:close(Socket)
    end.

is_echoed(Line) ->
    lists:any(fun(Name) -> string:prefix(Line, Name) =/= nomatch end, ["via:", "from:", "to:", "call-id:", "cseq:"]).

read_message(Socket, Read) ->
    case string:find(Read, "\r\n\r\n") of
        nomatch ->
            case ssl:recv(Socket, 0, 30000) of
                {ok, More} -> read_message(Socket, <<Read/binary, More/binary>>);
                Failed -> Failed
            end;
        _ ->
            {ok, Read}
    end.

call(Options) ->
    {Address, Port} = address(maps:get("connect", Options)),
    case ssl:connect(Address, Port, [{verify, verify_peer}, {server_name_indication, maps:get("name", Options)}
                                     | common(Options)], 30000) of
        {ok, Socket} ->
            ssl:send(Socket, request()),
            Answer = read_message(Socket, <<>>),
            ssl:close(Socket),
            Answer;
        Failed ->
            Failed
    end.

request() ->
    "OPTIONS sip:sbc.customer.example;transport=tls SIP/2.0\r\n"
    "Via: SIP/2.0/TLS sip.provider.example;branch=z9hG4bKsiptls\r\n"
    "From: <sip:provider@sip.provider.example>;tag=siptls\r\nTo: <sip:sbc.customer.example>\r\n"
    "Call-ID: siptls@sip.provider.example\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n".
